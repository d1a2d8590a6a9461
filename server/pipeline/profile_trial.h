#ifndef TRIBUTARY_SERVER_PIPELINE_PROFILE_TRIAL_H_
#define TRIBUTARY_SERVER_PIPELINE_PROFILE_TRIAL_H_

#include <string>
#include <vector>

#include "server/versions/serving_bundle.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// A profile that asks for something that a bundle lacks, and the error that
// requests with it get.
struct UnusableProfile {
  std::string name;
  std::string error;
};

// Plans a request with each profile of the configuration, and returns those
// whose requests fail. `config` is complete (see CompleteServerConfig).
std::vector<UnusableProfile> TryProfiles(const v1::ServerConfig& config,
                                         const ServingBundle& bundle);

// Writes a warning to the log for each profile that requests cannot use with
// this bundle, so that it is known before the first of them fails.
void WarnOfUnusableProfiles(const v1::ServerConfig& config,
                            const ServingBundle& bundle);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_PROFILE_TRIAL_H_
