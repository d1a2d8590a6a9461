#include "index/parallel/parallel_for.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tributary {
namespace {

using Pieces = std::multiset<std::pair<uint64_t, uint64_t>>;

Pieces PiecesOf(uint64_t n, uint64_t piece, uint32_t threads) {
  Pieces pieces;
  std::mutex mutex;
  ParallelFor(n, piece, threads, [&](uint64_t begin, uint64_t end) {
    const std::lock_guard lock(mutex);
    pieces.insert({begin, end});
  });
  return pieces;
}

// A door that threads wait at.
class Door {
 public:
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void Pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void AwaitWaiting(int n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= n; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

TEST(ParallelForTest, CutsTheSamePiecesForAnyNumberOfThreads) {
  for (const uint32_t threads : {0U, 1U, 2U, 7U, 64U}) {
    EXPECT_EQ(PiecesOf(10, 4, threads), (Pieces{{0, 4}, {4, 8}, {8, 10}}));
    EXPECT_EQ(PiecesOf(0, 4, threads), Pieces());
    EXPECT_EQ(PiecesOf(3, 4, threads), (Pieces{{0, 3}}));
  }
}

TEST(ParallelForTest, UsesAsManyThreadsAsAreAskedFor) {
  Door door;
  std::thread opens([&] {
    door.AwaitWaiting(4);
    door.Open();
  });
  // Returns only if four pieces run at once.
  ParallelFor(4, 1, 4, [&](uint64_t, uint64_t) { door.Pass(); });
  opens.join();
}

TEST(ParallelForTest, DoesNotWaitForThreadsThatAreBusyElsewhere) {
  Door door;
  std::thread other(
      [&] { ParallelFor(8, 1, 8, [&](uint64_t, uint64_t) { door.Pass(); }); });
  door.AwaitWaiting(8);
  for (int round = 0; round < 100; ++round) {
    std::atomic<uint64_t> sum{0};
    ParallelFor(1000, 1, 8, [&](uint64_t begin, uint64_t) { sum += begin; });
    EXPECT_EQ(sum, 499'500U);
  }
  door.Open();
  other.join();
}

TEST(ParallelForTest, ALoopMayHaveLoopsWithin) {
  std::atomic<uint64_t> calls{0};
  ParallelFor(16, 1, 4, [&](uint64_t, uint64_t) {
    ParallelFor(16, 1, 4, [&](uint64_t, uint64_t) {
      ParallelFor(4, 1, 4, [&](uint64_t, uint64_t) { ++calls; });
    });
  });
  EXPECT_EQ(calls, 16U * 16 * 4);
}

TEST(ParallelForTest, ManyCallersDoNotMixTheirWork) {
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        std::vector<uint64_t> squares(100);
        ParallelFor(100, 7, 3, [&](uint64_t begin, uint64_t end) {
          for (uint64_t i = begin; i < end; ++i) squares[i] = i * i;
        });
        for (uint64_t i = 0; i < 100; ++i) wrong += squares[i] != i * i;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace tributary
