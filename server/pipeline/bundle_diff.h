#ifndef TRIBUTARY_SERVER_PIPELINE_BUNDLE_DIFF_H_
#define TRIBUTARY_SERVER_PIPELINE_BUNDLE_DIFF_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "server/process/low_priority.h"
#include "server/versions/serving_bundle.h"
#include "sync/mutex.h"
#include "tributary/v1/bundles.pb.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

inline constexpr uint32_t kDefaultDiffUsers = 100;
inline constexpr uint32_t kMaxDiffUsers = 1000;

// Compares what two bundles answer. Thread-safe; works on a thread of its own,
// at low priority, for one caller at a time.
class BundleDiff {
 public:
  using Bundle = std::shared_ptr<const ServingBundle>;

  // `config` is complete, and outlives this.
  explicit BundleDiff(const v1::ServerConfig& config);

  // The request's versions are those of the bundles. Retrieves for its user, or
  // for users spread over `from` whom `to` knows as well (none: `users` is 0),
  // with the configured quotas, and without the deadline. Errors:
  // INVALID_ARGUMENT, beginning with the field; RESOURCE_EXHAUSTED while
  // another diff runs; CANCELLED when `cancelled`, asked between users, says
  // so.
  absl::StatusOr<v1::DiffResponse> Run(const Bundle& from, const Bundle& to,
                                       const v1::DiffRequest& request,
                                       const std::function<bool()>& cancelled);

 private:
  v1::ServerConfig config_;
  Mutex running_;
  LowPriorityThread background_thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_BUNDLE_DIFF_H_
