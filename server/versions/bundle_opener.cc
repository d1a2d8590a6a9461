#include "server/versions/bundle_opener.h"

#include <chrono>
#include <utility>

#include "index/bundle/product.h"
#include "index/bundle/version_directory.h"
#include "index/sign/signed_version.h"
#include "server/versions/prefault.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"

namespace tributary {

BundleOpener::BundleOpener(const v1::ServerConfig& config,
                           RetrieverRegistry registry, WarmUp warm_up)
    : config_(config),
      registry_(std::move(registry)),
      warm_up_(std::move(warm_up)),
      keys_(PublicKeys::Read(
          {config.public_keys().begin(), config.public_keys().end()})) {}

absl::StatusOr<std::shared_ptr<const Bundle>> BundleOpener::Open(
    uint64_t version) const {
  RETURN_IF_ERROR(keys_.status());
  ASSIGN_OR_RETURN(auto bundle,
                   OpenSigned(VersionPath(config_.bundles(), version), *keys_));
  RETURN_IF_ERROR(CheckProduct(bundle->manifest(), config_.product()));
  return bundle;
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
