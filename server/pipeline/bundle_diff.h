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

// Compares the lists that two bundles give to the same users. Runs on a
// background thread of low priority, for one caller at a time. Thread-safe.
class BundleDiff {
 public:
  using Bundle = std::shared_ptr<const ServingBundle>;

  // `config` is complete (see CompleteServerConfig).
  explicit BundleDiff(const v1::ServerConfig& config);

  // Retrieves from both bundles for the request's user, or for a sample spread
  // evenly over the users of `from` that `to` has as well; the response's
  // `users` is 0 when there are none. Uses the configured quotas, and a
  // deadline of a minute per list. `from` and `to` are the versions that the
  // request names. Errors: INVALID_ARGUMENT whose message begins with the
  // field; RESOURCE_EXHAUSTED while another diff runs; CANCELLED when
  // `cancelled`, which is called between users, returns true.
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
