#include "index/publish/rate_limit.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace tributary {
namespace {

using std::chrono::milliseconds;

TEST(RateLimit, HoldsForAllThatShareIt) {
  RateLimit limit(1'000'000);
  const auto start = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 5; ++j) limit.Take(10'000, {});
      });
    }
  }
  // 150 000 bytes in all. Nobody waits for the time of the last 10 000.
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(140));
}

TEST(RateLimit, OfZeroIsNone) {
  RateLimit limit(0);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(limit.Take(1 << 30, {}));
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(10'000));
}

TEST(RateLimit, EndsItsWaitWhenStopIsRequested) {
  RateLimit limit(1);
  std::stop_source stop;
  EXPECT_TRUE(limit.Take(1'000'000, stop.get_token()));
  stop.request_stop();
  EXPECT_FALSE(limit.Take(1, stop.get_token()));
}

}  // namespace
}  // namespace tributary
