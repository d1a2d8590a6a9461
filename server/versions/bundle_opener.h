#ifndef TRIBUTARY_SERVER_VERSIONS_BUNDLE_OPENER_H_
#define TRIBUTARY_SERVER_VERSIONS_BUNDLE_OPENER_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "index/sign/signature.h"
#include "server/versions/serving_bundle.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Opens a version of config.bundles() and prepares it for requests. Both steps
// may read the whole version from disk: while any version is active, run them
// on a thread of low priority. Thread-safe.
class BundleOpener {
 public:
  // Called with a version whose pages are in memory, before any request can be
  // answered from it.
  using WarmUp =
      std::function<void(const std::shared_ptr<const ServingBundle>& bundle)>;

  // `config` is complete and outlives this object. `warm_up` may be empty.
  BundleOpener(const v1::ServerConfig& config, RetrieverRegistry registry,
               WarmUp warm_up);

  // Maps the version's files without reading them, if one of
  // config.public_keys() signed it, and it is of config.product(), as far as
  // they are set. Errors are those of OpenSigned, CheckProduct and
  // PublicKeys::Read. Call VerifyOpened on the result before Warm.
  absl::StatusOr<std::shared_ptr<const Bundle>> Open(uint64_t version) const;
  // Makes the bundle's retrievers, faults its pages in and calls `warm_up`.
  // Errors are those of ServingBundle::Open and Prefault.
  // REQUIRES: VerifyOpened accepted the bundle.
  absl::StatusOr<std::shared_ptr<const ServingBundle>> Warm(
      std::shared_ptr<const Bundle> bundle) const;

 private:
  // Constant after construction.
  const v1::ServerConfig& config_;
  const RetrieverRegistry registry_;
  const WarmUp warm_up_;
  const absl::StatusOr<PublicKeys> keys_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_BUNDLE_OPENER_H_
