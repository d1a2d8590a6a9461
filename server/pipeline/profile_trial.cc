#include "server/pipeline/profile_trial.h"

#include <chrono>

#include "server/pipeline/plan.h"
#include "server/profiles/profiles.h"
#include "spdlog/spdlog.h"

namespace tributary {

std::vector<UnusableProfile> TryProfiles(const v1::ServerConfig& config,
                                         const ServingBundle& bundle) {
  std::vector<UnusableProfile> unusable;
  const Profiles profiles(config);
  for (const std::string_view name : profiles.names()) {
    v1::RetrieveRequest completed;
    const auto asked = profiles.Apply(v1::RetrieveRequest(), name, &completed);
    Plan plan;
    const absl::Status planned =
        asked.ok() ? MakePlan(*asked->config, bundle, *asked->request,
                              std::chrono::steady_clock::now(),
                              RetrieveOptions(), &plan)
                   : asked.status();
    if (planned.ok()) continue;
    unusable.push_back({std::string(name), std::string(planned.message())});
  }
  return unusable;
}

void WarnOfUnusableProfiles(const v1::ServerConfig& config,
                            const ServingBundle& bundle) {
  for (const UnusableProfile& profile : TryProfiles(config, bundle)) {
    spdlog::warn("event=profile_unusable version={} profile={} error={:?}",
                 bundle.bundle().version(), profile.name, profile.error);
  }
}

}  // namespace tributary
