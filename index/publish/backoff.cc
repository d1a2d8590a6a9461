#include "index/publish/backoff.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>

namespace tributary {

std::chrono::milliseconds Backoff(int errors, std::chrono::milliseconds first,
                                  std::chrono::milliseconds most,
                                  double chance) {
  std::chrono::milliseconds backoff = first;
  for (int i = 1; i < errors && backoff < most; ++i) backoff *= 2;
  backoff = std::min(backoff, most);
  return std::chrono::milliseconds(static_cast<int64_t>(
      static_cast<double>(backoff.count()) * (.5 + .5 * chance)));
}

double Chance() {
  thread_local std::mt19937_64 generator{std::random_device()()};
  return std::uniform_real_distribution<double>()(generator);
}

bool SleepFor(std::chrono::nanoseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never_notified;
  std::unique_lock lock(mutex);
  never_notified.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace tributary
