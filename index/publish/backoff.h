#ifndef TRIBUTARY_INDEX_PUBLISH_BACKOFF_H_
#define TRIBUTARY_INDEX_PUBLISH_BACKOFF_H_

#include <chrono>
#include <stop_token>

namespace tributary {

// The first and the longest pause between attempts at a store.
inline constexpr std::chrono::milliseconds kFirstBackoff(200);
inline constexpr std::chrono::milliseconds kMostBackoff(10'000);

// How long to wait after so many errors in a row (at least 1): `first`, doubled
// with each, at most `most`; of that a half to all of it, by chance (0 to 1),
// so that many that failed together do not come back together.
std::chrono::milliseconds Backoff(int errors, std::chrono::milliseconds first,
                                  std::chrono::milliseconds most,
                                  double chance);
// 0 to 1, evenly. Thread-safe.
double Chance();

// Returns early, with false, when `stop` is requested.
bool SleepFor(std::chrono::nanoseconds duration, const std::stop_token& stop);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_BACKOFF_H_
