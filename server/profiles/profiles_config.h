#ifndef TRIBUTARY_SERVER_PROFILES_PROFILES_CONFIG_H_
#define TRIBUTARY_SERVER_PROFILES_PROFILES_CONFIG_H_

#include "absl/status/status.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// The most profiles that a server may have.
inline constexpr int kMaxProfiles = 16;

// What can be said of the configuration's profiles without a bundle:
// INVALID_ARGUMENT whose message begins with the path of the first faulty
// setting, such as "profiles[1].boosts[0].where: ...". REQUIRES: the limits are
// complete.
absl::Status CheckProfiles(const v1::ServerConfig& config);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROFILES_PROFILES_CONFIG_H_
