// Which versions are in memory, and how they are loaded and unloaded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/pipeline/pipeline.h"
#include "server/versions/bundle_set.h"
#include "tests/server/versions/bundle_set_fixture.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

using BundleSetResidencyTest = BundleSetTest;

TEST_F(BundleSetResidencyTest, AfterARestartHistoryAndLabelsAreResidentAgain) {
  for (const uint64_t version : {1, 2, 3, 4}) WriteTinyBundle(root_, version);
  for (const uint64_t version : {1, 2, 3}) StageAndActivate(version);
  ASSERT_TRUE(set_.Stage(4).ok());
  ASSERT_TRUE(SetLabel(&set_, "canary", 4, .25).ok());
  const v1::ServerStatus before = set_.GetStatus();

  BundleSet again(Config(), RetrieverRegistry::BuiltIn(), {});
  ASSERT_TRUE(again.Restore().ok());
  EXPECT_EQ(again.GetStatus().active_version(), 3);
  EXPECT_EQ(again.GetStatus().previous_version(), 2);
  EXPECT_EQ(again.GetStatus().swaps(), 0);
  while (Residents(again) != std::vector<uint64_t>{2, 3, 4}) {
    std::this_thread::yield();
  }
  EXPECT_EQ(again.GetStatus().labels(0).DebugString(),
            before.labels(0).DebugString());
  EXPECT_EQ(again.Rollback()->version(), 2);
  EXPECT_EQ(again.Rollback()->version(), 1);
}

TEST_F(BundleSetResidencyTest, ALabelledVersionOutlivesLaterStagedVersions) {
  for (uint64_t version = 1; version <= 6; ++version) {
    WriteTinyBundle(root_, version);
  }
  StageAndActivate(1);
  ASSERT_TRUE(set_.Stage(2).ok());
  ASSERT_TRUE(SetLabel(&set_, "canary", 2, 0).ok());
  for (const uint64_t version : {3, 4, 5}) StageAndActivate(version);
  EXPECT_THAT(Resident(),
              ElementsAre(Pair(2, v1::STAGED), Pair(4, v1::PREVIOUS),
                          Pair(5, v1::ACTIVE)));
  // The next staged version displaces the one that lost its label.
  ASSERT_TRUE(set_.Activate(2).ok());
  EXPECT_EQ(RoutedVersion("canary"), 2);
  EXPECT_EQ(RoutedVersion("stable"), 2);
}

TEST_F(BundleSetResidencyTest,
       AVersionThatDoesNotFitBesideTheActiveOneIsNotStaged) {
  for (const uint64_t version : {1, 2, 3}) WriteTinyBundle(root_, version);
  const uint64_t size = (*Bundle::Open(root_ / "1"))->size_bytes();
  ProcessMemory memory;
  memory.machine.available = 2 * size + size / 2;
  BundleSet set(Config(), RetrieverRegistry::BuiltIn(), {},
                [&] { return memory; });
  ASSERT_TRUE(set.Restore().ok());  // 3
  ASSERT_TRUE(set.Stage(1).ok());
  ASSERT_TRUE(set.Activate(1).ok());
  // The previous version makes room for the staged one.
  ASSERT_TRUE(set.Stage(2).ok());
  EXPECT_EQ(Residents(set), (std::vector<uint64_t>{1, 2}));
  ASSERT_TRUE(SetLabel(&set, "canary", 2, 0).ok());
  const auto refused = set.Stage(3);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("version 3"));
  // The version itself is not refused.
  EXPECT_EQ(set.GetStatus().refusals(), 0);
  EXPECT_EQ(Residents(set), (std::vector<uint64_t>{1, 2}));
}

TEST_F(BundleSetResidencyTest, UnloadsOnlyVersionsThatAreNotNeeded) {
  for (const uint64_t version : {1, 2, 3}) WriteTinyBundle(root_, version);
  StageAndActivate(1);
  StageAndActivate(2);
  EXPECT_EQ(set_.Unload(1).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(set_.Unload(2).code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(set_.Stage(3).ok());
  EXPECT_TRUE(set_.Unload(3).ok());
  EXPECT_TRUE(set_.Unload(3).ok());  // again
  EXPECT_EQ(set_.Snapshot(3).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(set_.Snapshot(1).ok());
}

TEST_F(BundleSetResidencyTest, BoundsTheResidentVersions) {
  for (uint64_t version = 1; version <= 6; ++version) {
    WriteTinyBundle(root_, version);
  }
  StageAndActivate(1);
  StageAndActivate(2);
  for (const uint64_t version : {3, 4, 5, 6}) {
    ASSERT_TRUE(set_.Stage(version).ok());
  }
  EXPECT_THAT(States(), ElementsAre(Pair(1, v1::PREVIOUS), Pair(2, v1::ACTIVE),
                                    Pair(3, v1::ON_DISK), Pair(4, v1::ON_DISK),
                                    Pair(5, v1::STAGED), Pair(6, v1::STAGED)));
}

TEST_F(BundleSetResidencyTest, CallsOnResidentBeforeAVersionAnswersRequests) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  FlipAByte(root_ / "2" / "taste.items.npy");
  ASSERT_TRUE(set_.Stage(1).ok());
  EXPECT_FALSE(set_.Stage(2).ok());
  EXPECT_THAT(resident_, ElementsAre(1));
  EXPECT_THAT(activated_, IsEmpty());
}

TEST_F(BundleSetResidencyTest, AHeldBundleOutlivesItsUnloading) {
  for (const uint64_t version : {1, 2}) {
    WriteTinyBundle(root_, version);
    ASSERT_TRUE(set_.Stage(version).ok());
  }
  auto held = *set_.Snapshot(1);
  ASSERT_TRUE(set_.Unload(1).ok());
  ASSERT_TRUE(set_.Unload(2).ok());
  // The reaper that destroyed 2 has checked 1 as well.
  EXPECT_NE(destructions_.WaitFor(2), std::this_thread::get_id());
  EXPECT_EQ(held->bundle().items().Find("c"), 2);
  EXPECT_FALSE(destructions_.Happened(1));
  held.reset();
  EXPECT_NE(destructions_.WaitFor(1), std::this_thread::get_id());
}

TEST_F(BundleSetResidencyTest, RestoresTheActiveVersionHoweverShortMemoryIs) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  ProcessMemory memory;
  memory.machine.available = 1;
  BundleSet set(Config(), RetrieverRegistry::BuiltIn(), {},
                [&] { return memory; });
  EXPECT_TRUE(set.Restore().ok());
  EXPECT_EQ(set.GetStatus().active_version(), 2);
  EXPECT_EQ(set.Stage(1).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(BundleSetResidencyTest, SwapsLeaveNothingBehind) {
  for (const uint64_t version : {1, 2, 3}) WriteTinyBundle(root_, version);
  const auto used_after = [this](int swaps) {
    for (int i = 0; i < swaps; ++i) {
      const uint64_t version = 1 + static_cast<uint64_t>(i) % 3;
      StageAndActivate(version);
      // The version before the last one is unloaded.
      if (i > 2) destructions_.WaitAndForget(1 + (version % 3));
    }
    return mallinfo2().uordblks;
  };
  const size_t before = used_after(60);
  const size_t after = used_after(150);
  // The last unloaded version may still be in memory: some 20 kB, compared with
  // 150 times as much. A sanitizer's own allocator counts nothing here.
  EXPECT_LE(after, before + 100'000);
}

TEST_F(BundleSetResidencyTest, RequestsNeverSeeASwap) {
  for (uint64_t version = 1; version <= 12; ++version) {
    WriteTinyBundle(root_, version);
  }
  StageAndActivate(1);
  ServerMetrics metrics;
  const Pipeline pipeline(Config(), nullptr, &metrics, nullptr);
  std::atomic<bool> stop = false;
  std::atomic<int> answered = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      v1::RetrieveRequest request;
      request.set_user_id(20);
      request.set_k(3);
      v1::RetrieveResponse response;
      while (!stop) {
        auto bundle = set_.Snapshot();
        ASSERT_TRUE(bundle.ok()) << bundle.status();
        const uint64_t version = (*bundle)->bundle().version();
        ASSERT_TRUE(pipeline
                        .Retrieve(*std::move(bundle), request,
                                  SteadyTime::max(), &response)
                        .ok());
        ASSERT_EQ(response.bundle_version(), version);
        // User 20 prefers the second dimension.
        ASSERT_THAT(response.item_keys(), ElementsAre("a", "b", "c"));
        ++answered;
      }
    });
  }
  for (uint64_t version = 2; version <= 12; ++version) {
    StageAndActivate(version);
    const int before = answered;
    while (answered < before + 8 && !HasFailure()) std::this_thread::yield();
    if (version > 2) {
      EXPECT_TRUE(set_.Unload(version - 2).ok());
    }
  }
  // Every unloaded version is destroyed although requests never pause.
  for (uint64_t version = 1; version <= 10; ++version) {
    const std::thread::id destroyer = destructions_.WaitFor(version);
    for (const std::thread& caller : callers) {
      EXPECT_NE(destroyer, caller.get_id());
    }
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace tributary
