#include "server/pipeline/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace tributary {
namespace {

TEST(WorkerPool, RunsAllWorkThatItAccepted) {
  std::atomic<int> runs = 0;
  int taken = 0;
  {
    WorkerPool pool(3, 1000);
    for (int i = 0; i < 500; ++i) {
      if (pool.TrySubmit([&] { ++runs; })) ++taken;
    }
  }
  EXPECT_EQ(taken, 500);
  EXPECT_EQ(runs, 500);
}

TEST(WorkerPool, RefusesWorkWhenItsQueueIsFull) {
  std::latch running(1), finish(1);
  std::atomic<int> runs = 0;
  {
    WorkerPool pool(1, 2);
    ASSERT_TRUE(pool.TrySubmit([&] {
      running.count_down();
      finish.wait();
    }));
    running.wait();  // the queue is empty again
    EXPECT_TRUE(pool.TrySubmit([&] { ++runs; }));
    EXPECT_TRUE(pool.TrySubmit([&] { ++runs; }));
    EXPECT_FALSE(pool.TrySubmit([&] { ++runs; }));
    finish.count_down();
  }
  EXPECT_EQ(runs, 2);
}

}  // namespace
}  // namespace tributary
