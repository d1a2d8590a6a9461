#ifndef TRIBUTARY_SERVER_VERSIONS_BUNDLE_OPENER_H_
#define TRIBUTARY_SERVER_VERSIONS_BUNDLE_OPENER_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "server/versions/serving_bundle.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// What is done to a version of config.bundles() before it may serve. The steps
// read all of it: they belong on a thread of low priority while anything
// serves. Thread-safe.
class BundleOpener {
 public:
  // Called with a version that is mapped and faulted in, before it may serve.
  using WarmUp =
      std::function<void(const std::shared_ptr<const ServingBundle>& bundle)>;

  // `config` is complete, and outlives this. `warm_up` may be empty.
  BundleOpener(const v1::ServerConfig& config, RetrieverRegistry registry,
               WarmUp warm_up)
      : config_(config),
        registry_(std::move(registry)),
        warm_up_(std::move(warm_up)) {}

  // Maps it, unread; see Bundle::Open. VerifyOpened comes next.
  absl::StatusOr<std::shared_ptr<const Bundle>> Open(uint64_t version) const;
  // Faults its pages in, and warms it up. REQUIRES: verified.
  absl::StatusOr<std::shared_ptr<const ServingBundle>> Warm(
      std::shared_ptr<const Bundle> bundle) const;

 private:
  const v1::ServerConfig& config_;
  const RetrieverRegistry registry_;
  const WarmUp warm_up_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_BUNDLE_OPENER_H_
