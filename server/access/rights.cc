#include "server/access/rights.h"

#include "server/access/denial.h"

namespace tributary {
namespace {

// As server/profiles calls it.
constexpr std::string_view kWithoutProfile = "none";

}  // namespace

bool ProfileGrant::Allows(std::string_view profile) const {
  return all_ || names_.contains(profile.empty() ? kWithoutProfile : profile);
}

absl::Status ProfileGrant::Check(std::string_view profile) const {
  if (Allows(profile)) return absl::OkStatus();
  return ProfileDenied(profile);
}

}  // namespace tributary
