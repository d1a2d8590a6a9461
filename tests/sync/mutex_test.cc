#include "sync/mutex.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace tributary {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class MutexTest : public testing::Test {
 protected:
  // Whether another thread could take the mutex now.
  bool IsFree() {
    bool is_free = false;
    std::thread other([&] {
      if (!mutex_.TryLock()) return;
      is_free = true;
      mutex_.Unlock();
    });
    other.join();
    return is_free;
  }

  Mutex mutex_;
  CondVar changed_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST_F(MutexTest, LosesNoIncrementOfConcurrentThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 10'000; ++i) {
        const MutexLock lock(&mutex_);
        ++count_;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const MutexLock lock(&mutex_);
  EXPECT_EQ(count_, 40'000);
}

TEST_F(MutexTest, AScopedLockCanBeReleasedAndTakenAgain) {
  {
    MutexLock lock(&mutex_);
    EXPECT_FALSE(IsFree());
    lock.Unlock();
    EXPECT_TRUE(IsFree());
    lock.Lock();
    EXPECT_FALSE(IsFree());
  }
  EXPECT_TRUE(IsFree());
  {
    MutexLock lock(&mutex_);
    lock.Unlock();
  }
  EXPECT_TRUE(IsFree());
}

TEST_F(MutexTest, WaitReturnsWithTheMutexHeld) {
  std::thread other([this] {
    const MutexLock lock(&mutex_);
    count_ = 1;
    changed_.NotifyAll();
  });
  {
    const MutexLock lock(&mutex_);
    while (count_ == 0) changed_.Wait(&mutex_);
    EXPECT_EQ(count_, 1);
    EXPECT_FALSE(IsFree());
  }
  other.join();
}

TEST_F(MutexTest, WaitsEndAtTheirDeadlineWithTheMutexHeld) {
  const auto start = steady_clock::now();
  {
    const MutexLock lock(&mutex_);
    while (changed_.WaitFor(&mutex_, milliseconds(10))) {
    }
    EXPECT_FALSE(IsFree());
    while (changed_.WaitUntil(&mutex_, start + milliseconds(20))) {
    }
    EXPECT_FALSE(IsFree());
  }
  EXPECT_GE(steady_clock::now() - start, milliseconds(20));
  EXPECT_TRUE(IsFree());
}

}  // namespace
}  // namespace tributary
