// Profiles: named sets of what requests get that do not say otherwise, and
// which user gets which. This folder knows the messages and the buckets of
// users; it knows no bundle and no pipeline.
#ifndef TRIBUTARY_SERVER_PROFILES_PROFILES_H_
#define TRIBUTARY_SERVER_PROFILES_PROFILES_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/versions/user_buckets.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// What a request calls "no profile, whatever its user's share".
inline constexpr std::string_view kNoProfile = "none";

// A request together with its profile. Views the Profiles, the request, and
// the message that the request was completed in.
struct ProfiledRequest {
  // Empty without a profile.
  std::string_view profile;
  // The server's configuration, with the profile's defaults.
  const v1::ServerConfig* config = nullptr;
  // What the request says, and what its profile says in addition.
  const v1::RetrieveRequest* request = nullptr;
};

// The profiles of a configuration. Immutable, and thread-safe.
//
// A profile consists of defaults, which the plan takes in place of the
// server's (k, quotas, fusion), and of a request, whose conditions are put into
// requests that lack them (caps, boosts, decay, diversity; its filter in any
// case). A request without a profile is not copied.
//
// Users belong to profiles by the same buckets as to labels (user_buckets.h).
// Each profile takes its buckets in a pseudo-random order of its own, which is
// independent of the orders of labels; profiles that are listed earlier take
// theirs first.
class Profiles {
 public:
  // `config` is complete (see CompleteServerConfig), which includes that
  // CheckProfiles finds no fault.
  explicit Profiles(const v1::ServerConfig& config);

  // Finds the request's profile, and completes the request by it in *completed,
  // if there is one. INVALID_ARGUMENT when it names a profile that there is
  // not. `profile`: the name to go by, usually that in the request.
  absl::StatusOr<ProfiledRequest> Apply(const v1::RetrieveRequest& request,
                                        std::string_view profile,
                                        v1::RetrieveRequest* completed) const;

  // The names, in the order of the configuration.
  std::vector<std::string_view> names() const;

 private:
  struct Entry {
    v1::ServerConfig config;
    v1::RetrieveRequest conditions;
    // Its `where`, parsed; no condition for none.
    v1::Predicate where;
  };

  absl::StatusOr<const Entry*> Find(const v1::RetrieveRequest& request,
                                    std::string_view profile) const;

  // Constant after construction.
  const v1::ServerConfig config_;
  // In the order of the configuration. Their names are in `conditions`.
  std::vector<Entry> entries_;
  // For each bucket of users, 1 + the index of its profile, or 0. Null when no
  // profile has a share, so that keys need not be hashed.
  std::unique_ptr<std::array<uint8_t, kUserBuckets>> buckets_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROFILES_PROFILES_H_
