#include "server/versions/bundle_opener.h"

#include <chrono>
#include <utility>

#include "index/bundle/version_directory.h"
#include "server/versions/prefault.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"

namespace tributary {

absl::StatusOr<std::shared_ptr<const Bundle>> BundleOpener::Open(
    uint64_t version) const {
  return Bundle::Open(VersionPath(config_.bundles(), version));
}

absl::StatusOr<std::shared_ptr<const ServingBundle>> BundleOpener::Warm(
    std::shared_ptr<const Bundle> bundle) const {
  const auto start = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(auto serving,
                   ServingBundle::Open(std::move(bundle), registry_));
  const Bundle& served = serving->bundle();
  ASSIGN_OR_RETURN(const uint64_t bytes, Prefault(served.dir()));
  const auto mapped = std::chrono::steady_clock::now();
  if (warm_up_) warm_up_(serving);
  using Seconds = std::chrono::duration<double>;
  spdlog::info(
      "event=warmed version={} mapped_bytes={} map_seconds={:.3f} "
      "warm_seconds={:.3f}",
      served.version(), bytes, Seconds(mapped - start).count(),
      Seconds(std::chrono::steady_clock::now() - mapped).count());
  return serving;
}

}  // namespace tributary
