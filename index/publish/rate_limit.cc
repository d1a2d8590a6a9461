#include "index/publish/rate_limit.h"

#include <algorithm>

#include "index/publish/backoff.h"

namespace tributary {

bool RateLimit::Take(uint64_t bytes, const std::stop_token& stop) {
  if (max_bytes_per_second_ == 0) return !stop.stop_requested();
  const auto cost =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
          static_cast<double>(bytes) /
          static_cast<double>(max_bytes_per_second_)));
  const Clock::time_point now = Clock::now();
  Clock::time_point turn;
  {
    const MutexLock lock(&mutex_);
    turn = std::max(now, paid_until_);
    paid_until_ = turn + cost;
  }
  return SleepFor(turn - now, stop);
}

}  // namespace tributary
