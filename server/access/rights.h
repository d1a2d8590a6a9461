#ifndef TRIBUTARY_SERVER_ACCESS_RIGHTS_H_
#define TRIBUTARY_SERVER_ACCESS_RIGHTS_H_

#include <array>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace tributary {

// What callers may be granted. The numbers are indexes.
enum class AccessRole { kRetrieve, kExplain, kObserve, kOperate };
inline constexpr std::array<std::string_view, 4> kRoleNames = {
    "retrieve", "explain", "observe", "operate"};

inline std::string_view RoleName(AccessRole role) {
  return kRoleNames[static_cast<size_t>(role)];
}

// The profiles that a role may be used with. Immutable once shared.
class ProfileGrant {
 public:
  // Further ones. "none" stands for requests without a profile.
  void Add(std::string_view profile) { names_.emplace(profile); }
  void AddAll() { all_ = true; }

  // Whether a request may have this profile, empty for none, whether it names
  // it or its user's share gives it.
  bool Allows(std::string_view profile) const;
  // OK, or PERMISSION_DENIED with the profile's name.
  absl::Status Check(std::string_view profile) const;

 private:
  bool all_ = false;
  std::set<std::string, std::less<>> names_;
};

// Who somebody is, and what they may do. Immutable once shared.
struct Rights {
  // Everything that was shown and is valid, such as "cert:ranker.example,
  // token:nightly"; "anyone" without.
  std::string who;
  std::array<bool, kRoleNames.size()> roles{};
  ProfileGrant retrieve_profiles;
  ProfileGrant explain_profiles;

  bool Has(AccessRole role) const { return roles[static_cast<size_t>(role)]; }
};

using SharedRights = std::shared_ptr<const Rights>;

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_ACCESS_RIGHTS_H_
