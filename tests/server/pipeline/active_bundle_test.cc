#include "server/pipeline/active_bundle.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/server/pipeline/scripted_retriever.h"

namespace tributary {
namespace {

constexpr int kThreads = 40;

// Runs `check` on so many threads that every place is some thread's.
template <typename Check>
void OnManyThreads(Check check) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(check);
  for (std::thread& thread : threads) thread.join();
}

TEST(ActiveBundle, EveryThreadTakesWhatWasSetLast) {
  ActiveBundle active;
  OnManyThreads([&] { EXPECT_EQ(active.Take(), nullptr); });
  for (const uint64_t version : {1, 2}) {
    const auto bundle = ServeScripted({}, {.version = version});
    active.Set(bundle);
    OnManyThreads([&] { EXPECT_EQ(active.Take().get(), bundle.get()); });
  }
}

TEST(ActiveBundle, WhatIsTakenCountsAsAReferenceUntilItIsDropped) {
  ActiveBundle active;
  const auto before = ServeScripted({}, {.version = 1});
  active.Set(before);
  auto taken = active.Take();
  const auto again = taken;
  active.Set(ServeScripted({}, {.version = 2}));
  EXPECT_EQ(before.use_count(), 2);
  taken = nullptr;
  EXPECT_EQ(before.use_count(), 2);
  EXPECT_EQ(again->bundle().version(), 1);
}

TEST(ActiveBundle, TakesWhileItIsSet) {
  const auto first = ServeScripted({}, {.version = 1});
  const auto second = ServeScripted({}, {.version = 2});
  ActiveBundle active;
  active.Set(first);
  std::atomic<bool> done = false;
  std::thread setter([&] {
    for (int i = 0; !done; ++i) active.Set(i % 2 == 0 ? second : first);
  });
  OnManyThreads([&] {
    for (int i = 0; i < 100; ++i) {
      const auto taken = active.Take();
      ASSERT_TRUE(taken.get() == first.get() || taken.get() == second.get());
    }
  });
  done = true;
  setter.join();
  active.Set(second);
  EXPECT_EQ(first.use_count(), 1);
}

}  // namespace
}  // namespace tributary
