#ifndef TRIBUTARY_INDEX_PUBLISH_RATE_LIMIT_H_
#define TRIBUTARY_INDEX_PUBLISH_RATE_LIMIT_H_

#include <chrono>
#include <cstdint>
#include <stop_token>

#include "sync/mutex.h"

namespace tributary {

// Limits the sum of the transfers that share it to some bytes per second: a
// transfer that takes n bytes makes the next one wait n / rate seconds.
// Thread-safe.
class RateLimit {
 public:
  // 0: no limit.
  explicit RateLimit(uint64_t max_bytes_per_second)
      : max_bytes_per_second_(max_bytes_per_second) {}

  // Waits until the time for all bytes taken before has passed, then takes
  // `bytes`. Returns false if `stop` was requested.
  bool Take(uint64_t bytes, const std::stop_token& stop);

 private:
  using Clock = std::chrono::steady_clock;

  const uint64_t max_bytes_per_second_;
  Mutex mutex_;
  Clock::time_point paid_until_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_RATE_LIMIT_H_
