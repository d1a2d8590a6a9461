#ifndef TRIBUTARY_INDEX_PUBLISH_BACKOFF_H_
#define TRIBUTARY_INDEX_PUBLISH_BACKOFF_H_

#include <chrono>
#include <stop_token>

namespace tributary {

// The first and the longest pause between attempts at a store.
inline constexpr std::chrono::milliseconds kFirstBackoff(200);
inline constexpr std::chrono::milliseconds kMostBackoff(10'000);

// Exponential backoff: the time to wait after `errors` consecutive errors (at
// least 1),
//
//   min(most, first * 2^(errors - 1)) * (0.5 + 0.5 * chance)
//
// `chance`, a random number from 0 to 1, spreads the retries of clients that
// failed at the same time.
std::chrono::milliseconds Backoff(int errors, std::chrono::milliseconds first,
                                  std::chrono::milliseconds most,
                                  double chance);
// A random number, uniform from 0 to 1. Thread-safe.
double Chance();

// Sleeps. Returns true afterwards, or false as soon as `stop` is requested.
bool SleepFor(std::chrono::nanoseconds duration, const std::stop_token& stop);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_BACKOFF_H_
