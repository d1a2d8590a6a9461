#include "server/process/low_priority.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace tributary {
namespace {

int Niceness() {
  return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
}

TEST(LowPriorityThreadTest, OneThreadDoesAllTheWorkBehindAllOthers) {
  const int before = Niceness();
  LowPriorityThread background;
  std::thread::id first;
  std::thread::id second;
  int niceness = 0;
  background.Run([&] { first = std::this_thread::get_id(); });
  background.Run([&] {
    second = std::this_thread::get_id();
    niceness = Niceness();
  });
  EXPECT_NE(first, std::this_thread::get_id());
  EXPECT_EQ(first, second);
  EXPECT_EQ(niceness, 19);
  EXPECT_EQ(Niceness(), before);
}

TEST(LowPriorityThreadTest, WorkIsThrottled) {
  LowPriorityThread background;
  bool slept = false;
  background.Run([&] {
    const auto give_up =
        std::chrono::steady_clock::now() + std::chrono::seconds(60);
    rusage usage = {};
    getrusage(RUSAGE_THREAD, &usage);
    const long before = usage.ru_nvcsw;
    while (!slept && std::chrono::steady_clock::now() < give_up) {
      getrusage(RUSAGE_THREAD, &usage);
      slept = usage.ru_nvcsw > before + 10;
    }
  });
  EXPECT_TRUE(slept);
}

}  // namespace
}  // namespace tributary
