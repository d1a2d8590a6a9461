#include "index/publish/backoff.h"

#include <gtest/gtest.h>

namespace tributary {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirst(100);
constexpr milliseconds kMost(30'000);

TEST(Backoff, DoublesUpToTheMaximum) {
  EXPECT_EQ(Backoff(1, kFirst, kMost, 1), milliseconds(100));
  EXPECT_EQ(Backoff(2, kFirst, kMost, 1), milliseconds(200));
  EXPECT_EQ(Backoff(4, kFirst, kMost, 1), milliseconds(800));
  EXPECT_EQ(Backoff(1000, kFirst, kMost, 1), kMost);
}

TEST(Backoff, IsRandomlyShortenedByUpToHalf) {
  EXPECT_EQ(Backoff(2, kFirst, kMost, 0), milliseconds(100));
  EXPECT_EQ(Backoff(2, kFirst, kMost, 0.5), milliseconds(150));
}

TEST(SleepFor, EndsWhenStopped) {
  std::stop_source stop;
  EXPECT_TRUE(SleepFor(milliseconds(1), stop.get_token()));
  stop.request_stop();
  EXPECT_FALSE(SleepFor(std::chrono::hours(1), stop.get_token()));
}

}  // namespace
}  // namespace tributary
