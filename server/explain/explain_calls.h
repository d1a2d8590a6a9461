#ifndef TRIBUTARY_SERVER_EXPLAIN_EXPLAIN_CALLS_H_
#define TRIBUTARY_SERVER_EXPLAIN_EXPLAIN_CALLS_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/access/rights.h"
#include "server/explain/explain.h"
#include "server/process/call_id.h"
#include "server/versions/bundle_set.h"
#include "sync/mutex.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/explain.pb.h"

namespace tributary {

// How long a call may take at most, whatever its deadline.
inline constexpr std::chrono::seconds kExplainDeadline{60};

// Explains, for one call at a time, on a throttled background thread of low
// priority. gRPC and HTTP share it. Thread-safe.
class ExplainCalls {
 public:
  // Makes the request of what the call was sent. Errors are those of the call.
  using Read = std::function<absl::Status(v1::ExplainRequest*)>;
  using Done = std::function<void(absl::StatusOr<v1::ExplainResponse>)>;

  // `config` is complete; `bundles` outlives this.
  ExplainCalls(const v1::ServerConfig& config, const BundleSet* bundles);
  // REQUIRES: Start is not called any more. Ends the call in progress.
  ~ExplainCalls();
  ExplainCalls(const ExplainCalls&) = delete;
  ExplainCalls& operator=(const ExplainCalls&) = delete;

  // Returns at once, and calls `done` exactly once, on any thread: perhaps
  // before this returns. `read` is called on the background thread, once it is
  // this call's turn, so that a call that is refused costs nothing. *cancelled
  // says that nobody waits any more. Errors, beside those of Explainer:
  // UNIMPLEMENTED when limits.max_explained_items is 0; RESOURCE_EXHAUSTED
  // while another call is in progress; UNAVAILABLE after Close; those of
  // BundleSet::Route; PERMISSION_DENIED for a profile that `rights`, which may
  // be null, do not have.
  void Start(Read read, SteadyTime deadline,
             std::shared_ptr<const std::atomic<bool>> cancelled, Done done,
             SharedRights rights = nullptr);

  // The server is shutting down: refuses further calls, and ends the one in
  // progress as soon as it looks up. Returns at once. Idempotent.
  void Close();

 private:
  struct Call {
    Read read;
    SteadyTime deadline;
    std::shared_ptr<const std::atomic<bool>> cancelled;
    Done done;
    SharedRights rights;
    // What the caller's thread worked for.
    std::shared_ptr<const CopiedCallId> id;
  };

  void Work();
  absl::StatusOr<v1::ExplainResponse> Answer(const Call& call) const;

  // Constant after construction.
  const bool enabled_;
  const BundleSet* const bundles_;
  const Explainer explainer_;

  std::atomic<bool> closing_{false};
  Mutex mutex_;
  CondVar changed_;
  // A call that waits for the thread.
  std::optional<Call> next_ ABSL_GUARDED_BY(mutex_);
  // Whether a call waits or runs.
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Not started where calls are refused anyway.
  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_EXPLAIN_EXPLAIN_CALLS_H_
