#ifndef TRIBUTARY_SERVER_SERVICE_SLOW_CALL_LOG_H_
#define TRIBUTARY_SERVER_SERVICE_SLOW_CALL_LOG_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "server/pipeline/stage_times.h"
#include "sync/mutex.h"

namespace tributary {

// How many lines a second may be logged. Thread-safe.
class LineBudget {
 public:
  explicit LineBudget(uint32_t max_per_second)
      : max_per_second_(max_per_second) {}

  // How many lines were left out since the last one, if another may be logged
  // now; else nothing, and that line is left out.
  std::optional<uint64_t> Take(SteadyTime now) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const uint32_t max_per_second_;
  Mutex mutex_;
  // The second that began with the first line in it.
  SteadyTime second_ ABSL_GUARDED_BY(mutex_);
  uint32_t lines_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A call, or a request of a batch, that took long.
struct SlowCall {
  std::string request_id;
  // In hexadecimal; empty where nobody traces.
  std::string trace_id;
  std::string_view method;
  absl::StatusCode code = absl::StatusCode::kOk;
  std::chrono::nanoseconds total{0};
  // Before it had a thread.
  std::chrono::nanoseconds wait{0};
  // How many requests it has.
  uint32_t requests = 1;
  // Which request of the call it is; nothing for the call as a whole.
  std::optional<size_t> entry;
  // Null where the call had none, or several.
  const StageTimes* stages = nullptr;
};

// event=slow_call and what is known of it, without the key of a user or an
// item. Times are milliseconds; what did not happen is left out.
std::string SlowCallLine(const SlowCall& call, uint64_t suppressed);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_SLOW_CALL_LOG_H_
