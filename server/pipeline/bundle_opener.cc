#include "server/pipeline/bundle_opener.h"

#include <chrono>
#include <string>
#include <utility>

#include "index/publish/version_directory.h"
#include "server/pipeline/prefault.h"
#include "server/pipeline/warm_up.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"

namespace tributary {

std::filesystem::path BundleOpener::DirOf(uint64_t version) const {
  return std::filesystem::path(config_.bundles()) / std::to_string(version);
}

absl::StatusOr<uint64_t> BundleOpener::SizeBytes(uint64_t version) const {
  ASSIGN_OR_RETURN(const auto bundle, Bundle::Open(DirOf(version)));
  return bundle->size_bytes();
}

absl::Status BundleOpener::Verify(uint64_t version) const {
  return VerifyVersion(DirOf(version));
}

absl::StatusOr<std::shared_ptr<const ServingBundle>> BundleOpener::Open(
    uint64_t version) const {
  const auto start = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(std::shared_ptr<const Bundle> bundle,
                   Bundle::Open(DirOf(version)));
  ASSIGN_OR_RETURN(auto serving,
                   ServingBundle::Open(std::move(bundle), registry_));
  ASSIGN_OR_RETURN(const uint64_t bytes, Prefault(DirOf(version)));
  const auto mapped = std::chrono::steady_clock::now();
  WarmUp(config_, serving);
  using Seconds = std::chrono::duration<double>;
  spdlog::info(
      "event=warmed version={} mapped_bytes={} map_seconds={:.3f} "
      "warm_seconds={:.3f}",
      version, bytes, Seconds(mapped - start).count(),
      Seconds(std::chrono::steady_clock::now() - mapped).count());
  return serving;
}

}  // namespace tributary
