#ifndef TRIBUTARY_INDEX_PUBLISH_RATE_LIMIT_H_
#define TRIBUTARY_INDEX_PUBLISH_RATE_LIMIT_H_

#include <chrono>
#include <cstdint>
#include <stop_token>

#include "sync/mutex.h"

namespace tributary {

// Slows down all that share it to so many bytes a second in sum. Thread-safe.
class RateLimit {
 public:
  // 0: no limit.
  explicit RateLimit(uint64_t max_bytes_per_second)
      : max_bytes_per_second_(max_bytes_per_second) {}

  // Waits until the bytes that were taken before are paid for. False when
  // `stop` was requested.
  bool Take(uint64_t bytes, const std::stop_token& stop);

 private:
  using Clock = std::chrono::steady_clock;

  const uint64_t max_bytes_per_second_;
  Mutex mutex_;
  Clock::time_point paid_until_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_RATE_LIMIT_H_
