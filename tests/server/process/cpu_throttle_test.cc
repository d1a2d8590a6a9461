#include "server/process/cpu_throttle.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

namespace tributary {
namespace {

// How often the calling thread has slept or blocked.
long Sleeps() {
  rusage usage = {};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

// Works until the thread has slept `count` times. Returns false if that takes
// more than a minute.
bool WorkUntilSlept(long count) {
  const auto give_up =
      std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (const long goal = Sleeps() + count; Sleeps() < goal;) {
    if (std::chrono::steady_clock::now() > give_up) return false;
  }
  return true;
}

// How often the thread sleeps in 20 ms of work. A throttled thread would sleep
// every 50 us.
long SleepsWhileWorking() {
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  const long before = Sleeps();
  while (std::chrono::steady_clock::now() < end) {
  }
  return Sleeps() - before;
}

TEST(CpuThrottleTest, AThreadThatNeverBlocksSleepsAgainAndAgain) {
  const CpuThrottle throttle;
  EXPECT_TRUE(WorkUntilSlept(100));
}

TEST(CpuThrottleTest, EndsWithItsLifetime) {
  {
    const CpuThrottle throttle;
    ASSERT_TRUE(WorkUntilSlept(1));
  }
  EXPECT_LE(SleepsWhileWorking(), 1);
}

TEST(CpuThrottleTest, OnlyTheFirstOfAThreadHasAnEffect) {
  const CpuThrottle first;
  {
    const CpuThrottle second;
    EXPECT_TRUE(WorkUntilSlept(10));
  }
  EXPECT_TRUE(WorkUntilSlept(10));
}

TEST(CpuThrottleTest, OtherThreadsAreNotThrottled) {
  const CpuThrottle throttle;
  long sleeps = 0;
  std::thread other([&] { sleeps = SleepsWhileWorking(); });
  other.join();
  EXPECT_LE(sleeps, 1);
}

TEST(CpuThrottleTest, SystemCallsAreRestarted) {
  std::array<int, 2> pipe_ends;
  ASSERT_EQ(pipe(pipe_ends.data()), 0);
  // Writes once the reader has slept many times.
  std::thread writer([&] {
    const CpuThrottle throttle;
    EXPECT_TRUE(WorkUntilSlept(100));
    EXPECT_EQ(write(pipe_ends[1], "x", 1), 1);
  });
  const CpuThrottle throttle;
  char byte = 0;
  EXPECT_EQ(read(pipe_ends[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
  writer.join();
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

}  // namespace
}  // namespace tributary
