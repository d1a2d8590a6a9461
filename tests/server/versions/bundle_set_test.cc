#include "server/versions/bundle_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>

#include "index/bundle/version_directory.h"
#include "server/versions/serving_record.h"
#include "tests/server/versions/bundle_set_fixture.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST_F(BundleSetTest, ServesNothingFromAnEmptyRoot) {
  EXPECT_TRUE(set_.Restore().ok());
  EXPECT_EQ(set_.Snapshot().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(set_.GetStatus().active_version(), 0);
  EXPECT_THAT(activated_, IsEmpty());
}

TEST_F(BundleSetTest, RestoresTheVersionInCurrent) {
  for (const uint64_t version : {1, 2, 3}) WriteTinyBundle(root_, version);
  ASSERT_TRUE(WriteCurrent(root_, 2).ok());
  ASSERT_TRUE(set_.Restore().ok());
  EXPECT_EQ((*set_.Snapshot())->bundle().version(), 2);
  EXPECT_THAT(activated_, ElementsAre(2));
  EXPECT_EQ(set_.GetStatus().swaps(), 0);
}

TEST_F(BundleSetTest, RestoresTheHighestVersionWithoutCurrent) {
  for (const uint64_t version : {9, 10}) WriteTinyBundle(root_, version);
  ASSERT_TRUE(set_.Restore().ok());
  EXPECT_EQ((*set_.Snapshot())->bundle().version(), 10);
}

TEST_F(BundleSetTest,
       RestoresWhatServedThoughAHigherVersionCameWithoutCurrent) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  ASSERT_TRUE(WriteServingRecord(root_, {.served = {1}, .labels = {}}).ok());
  ASSERT_TRUE(set_.Restore().ok());
  EXPECT_EQ((*set_.Snapshot())->bundle().version(), 1);
}

TEST_F(BundleSetTest, ACanaryDoesNotBecomeEverybodysVersionByARestart) {
  WriteTinyBundle(root_, 1);
  ASSERT_TRUE(set_.Restore().ok());
  WriteTinyBundle(root_, 2);
  ASSERT_TRUE(set_.Stage(2).ok());
  ASSERT_TRUE(SetLabel(&set_, "canary", 2, 0.05).ok());
  ASSERT_EQ(*ReadCurrent(root_), 0);
  Destructions destructions;
  {
    BundleSet restarted(Config(), destructions.Registry(), {});
    ASSERT_TRUE(restarted.Restore().ok());
    EXPECT_EQ((*restarted.Snapshot())->bundle().version(), 1);
  }
  // Nor where the record has no active version.
  ServingRecord record = *ReadServingRecord(root_);
  record.served.clear();
  ASSERT_TRUE(WriteServingRecord(root_, record).ok());
  BundleSet restarted(Config(), destructions.Registry(), {});
  ASSERT_TRUE(restarted.Restore().ok());
  EXPECT_EQ((*restarted.Snapshot())->bundle().version(), 1);
}

TEST_F(BundleSetTest, ABrokenVersionGivesWayToTheOneThatServedBefore) {
  for (const uint64_t version : {1, 2, 3, 4}) WriteTinyBundle(root_, version);
  FlipAByte(root_ / "3" / "taste.items.npy");
  ASSERT_TRUE(WriteCurrent(root_, 3).ok());
  ASSERT_TRUE(WriteServingRecord(root_, {.served = {3, 1}, .labels = {}}).ok());
  ASSERT_TRUE(set_.Restore().ok());
  EXPECT_EQ((*set_.Snapshot())->bundle().version(), 1);
  EXPECT_EQ(set_.GetStatus().last_refusal().version(), 3);
  // CURRENT is what was asked for, and is tried again when it is repaired.
  EXPECT_EQ(*ReadCurrent(root_), 3);
}

TEST_F(BundleSetTest, AHalfCopiedHighestVersionGivesWayToTheNextOne) {
  for (const uint64_t version : {1, 2, 3}) WriteTinyBundle(root_, version);
  std::filesystem::remove(root_ / "3" / "taste.items.npy");
  ASSERT_TRUE(set_.Restore().ok());
  EXPECT_EQ((*set_.Snapshot())->bundle().version(), 2);
  EXPECT_THAT(set_.GetStatus().last_refusal().reason(),
              HasSubstr("taste.items.npy"));
}

TEST_F(BundleSetTest, WhatCannotBeRestoredDoesNotStopOthersFromBeingStaged) {
  FlipAByte(WriteTinyBundle(root_, 2) / "taste.items.npy");
  ASSERT_TRUE(WriteCurrent(root_, 2).ok());
  const absl::Status status = set_.Restore();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("taste.items.npy"));
  EXPECT_EQ(set_.Snapshot().status().code(), absl::StatusCode::kUnavailable);
  WriteTinyBundle(root_, 1);
  StageAndActivate(1);
  EXPECT_EQ((*set_.Snapshot())->bundle().version(), 1);
}

TEST_F(BundleSetTest, ACurrentWithoutItsVersionGivesWay) {
  ASSERT_TRUE(WriteCurrent(root_, 5).ok());
  EXPECT_EQ(set_.Restore().code(), absl::StatusCode::kNotFound);
  WriteTinyBundle(root_, 1);
  ASSERT_TRUE(set_.Restore().ok());
  EXPECT_EQ((*set_.Snapshot())->bundle().version(), 1);
}

TEST_F(BundleSetTest, ACurrentThatCannotBeReadIsAnErrorUnlessTheRecordKnows) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  OverwriteFile(root_ / "CURRENT", "five\n");
  EXPECT_EQ(set_.Restore().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(set_.GetStatus().active_version(), 0);
  ASSERT_TRUE(WriteServingRecord(root_, {.served = {1}, .labels = {}}).ok());
  ASSERT_TRUE(set_.Restore().ok());
  EXPECT_EQ((*set_.Snapshot())->bundle().version(), 1);
}

TEST_F(BundleSetTest, AVersionThatCannotServeAsConfiguredIsRefused) {
  WriteTinyBundle(root_, 1);
  v1::ServerConfig config = Config();
  config.mutable_defaults()->mutable_quotas(0)->set_retriever("tastes");
  Destructions destructions;
  BundleSet set(config, destructions.Registry(), {});
  const absl::Status restored = set.Restore();
  EXPECT_TRUE(absl::IsFailedPrecondition(restored));
  EXPECT_THAT(std::string(restored.message()),
              testing::AllOf(HasSubstr("defaults.quotas[0].retriever"),
                             HasSubstr("did you mean \"taste\"?")));
  EXPECT_FALSE(set.Snapshot().ok());
  EXPECT_EQ(set.Stage(1).status(), restored);
}

TEST_F(BundleSetTest, StagesVerifiedVersionsOnly) {
  WriteTinyBundle(root_, 1);
  FlipAByte(WriteTinyBundle(root_, 2) / "seen.rows.npy");
  EXPECT_EQ(set_.Stage(7).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(set_.GetStatus().refusals(), 0);

  const auto staged = set_.Stage(1);
  ASSERT_TRUE(staged.ok()) << staged.status();
  EXPECT_EQ(staged->state(), v1::STAGED);
  EXPECT_EQ(staged->items(), 6);
  EXPECT_EQ(staged->users(), 3);
  EXPECT_GT(staged->size_bytes(), 0);
  EXPECT_TRUE(set_.Stage(1).ok());  // again

  const auto refused = set_.Stage(2);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kDataLoss);
  const v1::ServerStatus status = set_.GetStatus();
  EXPECT_EQ(status.refusals(), 1);
  EXPECT_EQ(status.last_refusal().version(), 2);
  EXPECT_THAT(status.last_refusal().reason(), HasSubstr("seen.rows.npy"));
  EXPECT_THAT(States(), ElementsAre(Pair(1, v1::STAGED), Pair(2, v1::ON_DISK)));
}

TEST_F(BundleSetTest, ActivatesOnlyStagedVersions) {
  WriteTinyBundle(root_, 1);
  EXPECT_EQ(set_.Activate(1).status().code(),
            absl::StatusCode::kFailedPrecondition);
  StageAndActivate(1);
  EXPECT_EQ(*ReadCurrent(root_), 1);
  EXPECT_TRUE(set_.Activate(1).ok());  // again: no swap
  EXPECT_EQ(set_.GetStatus().swaps(), 0);
  EXPECT_THAT(activated_, ElementsAre(1));
}

TEST_F(BundleSetTest, ACurrentThatCannotBeWrittenLeavesTheOldOneActive) {
  WriteTinyBundle(root_, 1);
  WriteTinyBundle(root_, 2);
  StageAndActivate(1);
  ASSERT_TRUE(set_.Stage(2).ok());
  // A directory cannot be replaced by a file.
  std::filesystem::remove(root_ / "CURRENT");
  std::filesystem::create_directories(root_ / "CURRENT" / "in the way");
  EXPECT_FALSE(set_.Activate(2).ok());
  EXPECT_EQ((*set_.Snapshot())->bundle().version(), 1);
  EXPECT_EQ(set_.GetStatus().swaps(), 0);
}

TEST_F(BundleSetTest, RollbackGoesBackInHistory) {
  for (const uint64_t version : {1, 2, 3, 4}) WriteTinyBundle(root_, version);
  StageAndActivate(1);
  EXPECT_EQ(set_.Rollback().status().code(),
            absl::StatusCode::kFailedPrecondition);
  StageAndActivate(2);
  StageAndActivate(3);
  EXPECT_THAT(Resident(),
              ElementsAre(Pair(2, v1::PREVIOUS), Pair(3, v1::ACTIVE)));
  auto back = set_.Rollback();
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->version(), 2);
  EXPECT_EQ(*ReadCurrent(root_), 2);
  EXPECT_EQ(set_.GetStatus().previous_version(), 1);
  // The version that was rolled back from stays resident, but is no target of
  // later rollbacks. Either the keeper or Rollback loads version 1 again.
  ASSERT_TRUE((back = set_.Rollback()).ok()) << back.status();
  EXPECT_EQ(back->version(), 1);
  EXPECT_EQ(set_.Rollback().status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Resident(), ElementsAre(Pair(1, v1::ACTIVE), Pair(2, v1::STAGED),
                                      Pair(3, v1::STAGED)));
  EXPECT_EQ(set_.GetStatus().swaps(), 4);
  EXPECT_EQ(set_.GetStatus().previous_version(), 0);
  // The next version is rolled back to 1, not to the version given up before.
  StageAndActivate(4);
  ASSERT_TRUE((back = set_.Rollback()).ok()) << back.status();
  EXPECT_EQ(back->version(), 1);
  EXPECT_THAT(activated_, ElementsAre(1, 2, 3, 2, 1, 4, 1));
}

TEST_F(BundleSetTest, RollbackSkipsVersionsThatAreNotOnDisk) {
  for (const uint64_t version : {1, 2, 3, 4}) {
    WriteTinyBundle(root_, version);
    StageAndActivate(version);
  }
  std::filesystem::remove_all(root_ / "2");
  for (const uint64_t version : {3, 1}) {
    const auto back = set_.Rollback();
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->version(), version);
  }
}

TEST_F(BundleSetTest, ABrokenVersionIsNotRolledBackTo) {
  for (const uint64_t version : {1, 2, 3}) {
    WriteTinyBundle(root_, version);
    StageAndActivate(version);
  }
  FlipAByte(root_ / "1" / "seen.rows.npy");
  ASSERT_TRUE(set_.Rollback().ok());
  EXPECT_FALSE(set_.Rollback().ok());
  EXPECT_EQ(set_.GetStatus().active_version(), 2);
  EXPECT_EQ(set_.Rollback().status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(BundleSetTest, ADamagedRecordDoesNotPreventServing) {
  for (const uint64_t version : {1, 2}) {
    WriteTinyBundle(root_, version);
    StageAndActivate(version);
  }
  FlipAByte(root_ / kServingRecordName);
  BundleSet again(Config(), RetrieverRegistry::BuiltIn(), {});
  ASSERT_TRUE(again.Restore().ok());
  EXPECT_EQ(again.GetStatus().active_version(), 2);
  EXPECT_EQ(again.GetStatus().previous_version(), 0);
  // The damaged record is replaced.
  EXPECT_TRUE(ReadServingRecord(root_).ok());
}

TEST_F(BundleSetTest, ACrashBetweenCurrentAndTheRecordKeepsTheHistory) {
  for (const uint64_t version : {1, 2, 3}) {
    WriteTinyBundle(root_, version);
    StageAndActivate(version);
  }
  const std::string record = ReadFile(root_ / kServingRecordName);
  // A crash while activating 4, and one while rolling back to 2.
  WriteTinyBundle(root_, 4);
  for (const auto& [current, previous] : {std::pair{4, 3}, {2, 1}}) {
    OverwriteFile(root_ / kServingRecordName, record);
    ASSERT_TRUE(WriteCurrent(root_, static_cast<uint64_t>(current)).ok());
    BundleSet again(Config(), RetrieverRegistry::BuiltIn(), {});
    ASSERT_TRUE(again.Restore().ok());
    EXPECT_EQ(again.GetStatus().active_version(), current);
    EXPECT_EQ(again.GetStatus().previous_version(), previous);
  }
}

TEST_F(BundleSetTest, LabelsRouteTheirUsersAndRequestsThatNameThem) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  StageAndActivate(1);
  EXPECT_EQ(SetLabel(&set_, "canary", 2, .5).status().code(),
            absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(set_.Stage(2).ok());
  const auto labelled = SetLabel(&set_, "canary", 2, .5);
  ASSERT_TRUE(labelled.ok()) << labelled.status();
  EXPECT_EQ(labelled->labels(0).version(), 2);
  EXPECT_EQ(labelled->labels(0).share(), .5);
  EXPECT_THAT(labelled->bundles(1).labels(), ElementsAre("canary"));

  int canaries = 0;
  for (uint64_t user = 0; user < 1000; ++user) {
    v1::RetrieveRequest request;
    request.set_user_id(user);
    const auto routed = set_.Route(request);
    ASSERT_TRUE(routed.ok());
    const bool is_canary = routed->label.view() == "canary";
    EXPECT_EQ(routed->bundle->bundle().version(), is_canary ? 2 : 1);
    canaries += is_canary ? 1 : 0;
  }
  EXPECT_NEAR(canaries, 500, 60);
  EXPECT_EQ(RoutedVersion(""), 1);  // anonymous
  EXPECT_EQ(RoutedVersion("stable"), 1);
  EXPECT_EQ(RoutedVersion("canary"), 2);
  v1::RetrieveRequest request;
  request.set_bundle_label("nightly");
  EXPECT_EQ(set_.Route(request).status().code(), absl::StatusCode::kNotFound);
  request.set_bundle_label("canary");
  request.set_bundle_version(1);
  EXPECT_EQ(set_.Route(request).status().code(),
            absl::StatusCode::kInvalidArgument);

  EXPECT_EQ(set_.Unload(2).code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(SetLabel(&set_, "canary", 0, 0).ok());
  EXPECT_TRUE(set_.Unload(2).ok());
}

TEST_F(BundleSetTest, RefusesInvalidLabels) {
  WriteTinyBundle(root_, 1);
  StageAndActivate(1);
  for (const char* name : {"", "stable", "Canary", "a b", "\xff"}) {
    EXPECT_EQ(SetLabel(&set_, name, 1, 0).status().code(),
              absl::StatusCode::kInvalidArgument)
        << name;
  }
  for (const double share : {-.1, 1.1, std::nan("")}) {
    EXPECT_EQ(SetLabel(&set_, "canary", 1, share).status().code(),
              absl::StatusCode::kInvalidArgument)
        << share;
  }
  ASSERT_TRUE(SetLabel(&set_, "a", 1, .6).ok());
  EXPECT_EQ(SetLabel(&set_, "b", 1, .5).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(SetLabel(&set_, "b", 1, .4).ok());
}

TEST_F(BundleSetTest, RemembersWhatTheLoaderRefused) {
  set_.Refuse(4, "no room");
  EXPECT_EQ(set_.GetStatus().last_refusal().version(), 4);
  EXPECT_EQ(set_.GetStatus().last_refusal().reason(), "no room");
  EXPECT_EQ(set_.GetStatus().refusals(), 1);
}

}  // namespace
}  // namespace tributary
