#ifndef TRIBUTARY_SERVER_PIPELINE_BUNDLE_OPENER_H_
#define TRIBUTARY_SERVER_PIPELINE_BUNDLE_OPENER_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "server/pipeline/serving_bundle.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// What is done to a version of config.bundles() before it may serve. The steps
// read all of it: they belong on a thread of low priority while anything
// serves. Thread-safe.
class BundleOpener {
 public:
  // `config` is complete, and outlives this.
  BundleOpener(const v1::ServerConfig& config, RetrieverRegistry registry)
      : config_(config), registry_(std::move(registry)) {}

  // Maps it, unread; see Bundle::Open. VerifyOpened comes next.
  absl::StatusOr<std::shared_ptr<const Bundle>> Open(uint64_t version) const;
  // Faults its pages in, and warms it up. REQUIRES: verified.
  absl::StatusOr<std::shared_ptr<const ServingBundle>> Warm(
      std::shared_ptr<const Bundle> bundle) const;

 private:
  const v1::ServerConfig& config_;
  const RetrieverRegistry registry_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_BUNDLE_OPENER_H_
