// The loader's steps with versions that the gate or the trial refuses: with
// real directories, real trials and a fake server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "google/protobuf/util/json_util.h"
#include "index/bundle/version_directory.h"
#include "server/loader/loader.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/publish/publish_to.h"
#include "tests/server/gate/gate_world.h"
#include "tests/server/loader/fake_server.h"
#include "tests/server/loader/print_action.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
namespace fs = std::filesystem;

constexpr int kMaxSteps = 20;

class GateStepsTest : public testing::Test {
 protected:
  GateStepsTest() {
    config_.set_store(store_);
    config_.set_bundles(bundles_);
    config_.set_control(server_.address());
    config_.mutable_gate()->set_n(40);
    Restart();
  }

  void Restart() {
    loader_.reset();
    auto loader = Loader::Create(config_);
    ASSERT_TRUE(loader.ok()) << loader.status();
    loader_ = *std::move(loader);
  }

  void PublishWorld(uint64_t version, const GateWorld& world) {
    const auto status = PublishTo(world.Write(built_, version), store_);
    ASSERT_TRUE(status.ok()) << status;
  }
  // Puts a version into the store without the verification of `publish`.
  void PutInStore(uint64_t version, const GateWorld& world) {
    world.Write(store_, version);
    ASSERT_TRUE(WriteCurrent(store_, version).ok());
  }

  void Settle() {
    for (int i = 0; i < kMaxSteps; ++i) {
      const auto action = loader_->Step();
      if (action.ok() && *action == LoaderAction()) return;
    }
    FAIL() << "still acting after " << kMaxSteps << " steps";
  }

  // Afterwards version 1 is active, and version 2 was refused.
  void RefuseSecond() {
    PublishWorld(1, {});
    Settle();
    PublishWorld(2, {.noise_seed = 2, .items_mixed_up = true});
    Settle();
    ASSERT_EQ(server_.active(), 1);
  }

  v1::RefusalReport ReadReport(uint64_t version) {
    const fs::path dir = bundles_ / ".refused";
    v1::RefusalReport report;
    EXPECT_TRUE(
        google::protobuf::util::JsonStringToMessage(
            ReadFile(dir / (std::to_string(version) + ".json")), &report)
            .ok());
    return report;
  }

  const fs::path built_ = MakeTestDir();
  const fs::path store_ = MakeTestDir();
  const fs::path bundles_ = MakeTestDir();
  FakeServer server_{MakeTestDir() / "s"};
  v1::LoaderConfig config_;
  std::unique_ptr<Loader> loader_;
};

TEST_F(GateStepsTest, AVersionOfPoorQualityIsRefusedWithAReport) {
  RefuseSecond();
  EXPECT_THAT(server_.calls(),
              ElementsAre("stage 1", "activate 1",
                          AllOf(StartsWith("refuse 2: the gate: "),
                                HasSubstr("overlap of taste"))));
  EXPECT_THAT(*ListVersions(bundles_), ElementsAre(1));
  const v1::RefusalReport report = ReadReport(2);
  EXPECT_EQ(report.version(), 2);
  EXPECT_THAT(report.reason(), HasSubstr("overlap of taste"));
  EXPECT_FALSE(report.gate().passed());
  EXPECT_EQ(report.gate().old_version(), 1);
  EXPECT_THAT(
      ReadFile(bundles_ / ".refused" / "2.txt"),
      AllOf(HasSubstr("version 2 was refused at "), HasSubstr("FAILED")));
}

TEST_F(GateStepsTest, ANormalVersionIsFollowed) {
  PublishWorld(1, {});
  Settle();
  PublishWorld(2, {.noise_seed = 2});
  Settle();
  EXPECT_EQ(server_.active(), 2);
  EXPECT_FALSE(fs::exists(bundles_ / ".refused"));
}

TEST_F(GateStepsTest, ALoaderThatStartsAgainDoesNotTryIt) {
  RefuseSecond();
  const auto calls = server_.calls();
  Restart();
  EXPECT_EQ(*loader_->Step(), LoaderAction());
  EXPECT_EQ(server_.calls(), calls);
  EXPECT_EQ(server_.loader().last_refusal().version(), 2);
}

TEST_F(GateStepsTest, ARefusalThatWasNotSavedIsFoundAgain) {
  RefuseSecond();
  OverwriteFile(bundles_ / ".refused" / "2.json", "{\"version\": \"2\", \"at");
  Restart();
  Settle();
  EXPECT_EQ(server_.active(), 1);
  EXPECT_EQ(ReadReport(2).version(), 2);
}

TEST_F(GateStepsTest, OtherThresholdsAreAReasonToTryAgain) {
  RefuseSecond();
  // Version 2 fails with these, too.
  config_.mutable_gate()->set_sample_users(99);
  Restart();
  Settle();
  EXPECT_EQ(server_.active(), 1);
  config_.mutable_gate()->set_min_overlap(0);
  Restart();
  Settle();
  EXPECT_EQ(server_.active(), 2);
  EXPECT_FALSE(fs::exists(bundles_ / ".refused" / "2.json"));
}

TEST_F(GateStepsTest, AnotherActiveVersionIsAReasonToTryAgain) {
  RefuseSecond();
  // Compared with this version, version 2 passes.
  PublishWorld(1000, {.noise_seed = 3, .items_mixed_up = true});
  config_.mutable_gate()->set_enabled(false);
  Restart();
  Settle();
  ASSERT_EQ(server_.active(), 1000);
  config_.mutable_gate()->set_enabled(true);
  PublishWorld(1001, {});
  Restart();
  Settle();
  ASSERT_EQ(server_.active(), 1000);
  server_.RollBack();
  Settle();
  EXPECT_EQ(server_.active(), 1001);
}

TEST_F(GateStepsTest, WhoRemovesTheReportHasItTriedAgain) {
  RefuseSecond();
  fs::remove(bundles_ / ".refused" / "2.json");
  EXPECT_EQ(*loader_->Step(), (LoaderAction{LoaderAction::Kind::kFetch, 2}));
  Settle();
  EXPECT_TRUE(fs::exists(bundles_ / ".refused" / "2.json"));
  EXPECT_EQ(*loader_->Step(), LoaderAction());
}

TEST_F(GateStepsTest, WhatWasTriedBesideAnotherVersionIsTriedAgain) {
  using Kind = LoaderAction::Kind;
  for (const uint64_t version : {1, 2}) {
    PublishWorld(version, {});
    Settle();
  }
  PublishWorld(3, {});
  ASSERT_EQ(*loader_->Step(), (LoaderAction{Kind::kFetch, 3}));
  ASSERT_EQ(*loader_->Step(), (LoaderAction{Kind::kGate, 3}));
  server_.RollBack();
  EXPECT_EQ(*loader_->Step(), (LoaderAction{Kind::kGate, 3}));
  EXPECT_EQ(*loader_->Step(), (LoaderAction{Kind::kStage, 3}));
}

TEST_F(GateStepsTest, ARepairedVersionIsTriedAgain) {
  RefuseSecond();
  fs::remove_all(store_ / "2");
  GateWorld{.noise_seed = 2}.Write(store_, 2);
  Settle();
  EXPECT_EQ(server_.active(), 2);
}

TEST_F(GateStepsTest, ForceActivatesAndIsCounted) {
  RefuseSecond();
  config_.add_force(2);
  Restart();
  Settle();
  EXPECT_EQ(server_.active(), 2);
  EXPECT_EQ(server_.loader().forced(), 1);
  EXPECT_EQ(server_.loader().last_good_version(), 2);
}

TEST_F(GateStepsTest, ForceOfAVersionThatPassesIsNotCounted) {
  config_.add_force(1);
  Restart();
  PublishWorld(1, {});
  Settle();
  EXPECT_EQ(server_.active(), 1);
  EXPECT_EQ(server_.loader().forced(), 0);
}

// Sets the entry point of the HNSW graph to a node that does not exist.
void MoveEntryPoint(std::string* bytes) {
  const std::string efforts("\x28\0\0\0\x01\0\0\0\x01\0\0\0", 12);
  const size_t at = bytes->find(efforts);
  ASSERT_NE(at, std::string::npos);
  std::memcpy(&(*bytes)[at - 8], "\x00\xff\xff\x7f", 4);
}

TEST_F(GateStepsTest, AVersionThatCrashesFaissNeverReachesTheServer) {
  config_.add_force(2);
  Restart();
  PublishWorld(1, {});
  Settle();
  PutInStore(
      2,
      {.factory = "HNSW16", .damage = MoveEntryPoint, .golden_queries = true});
  Settle();
  EXPECT_THAT(server_.calls(), Not(Contains("stage 2")));
  EXPECT_THAT(server_.calls().back(),
              AllOf(StartsWith("refuse 2: "), HasSubstr("entry_point"),
                    HasSubstr("taste.index")));
  EXPECT_THAT(*ListVersions(bundles_), ElementsAre(1));
  // Nothing of it remains on the host.
  for (const auto& entry : fs::directory_iterator(bundles_)) {
    EXPECT_THAT(entry.path().filename().string(), Not(StartsWith(".incoming")));
  }
}

TEST_F(GateStepsTest, WhatCrashesWhenItIsAskedIsNeverThereToSee) {
  // A server that starts without CURRENT opens the highest version there.
  config_.mutable_gate()->set_enabled(false);
  Restart();
  PutInStore(2, {.own_kind = "crashes"});
  EXPECT_EQ(*loader_->Step(), (LoaderAction{LoaderAction::Kind::kFetch, 2}));
  EXPECT_THAT(*ListVersions(bundles_), IsEmpty());
  Settle();
  EXPECT_THAT(server_.calls(),
              ElementsAre(AllOf(StartsWith("refuse 2: "), HasSubstr("SIGSEGV"),
                                HasSubstr("asking source own"))));
}

TEST_F(GateStepsTest, GoingBackIsNotHeldAgainstWhatServes) {
  config_.set_allow_older(true);
  Restart();
  for (const uint64_t version : {1, 2, 3}) {
    PublishWorld(version, {.noise_seed = static_cast<uint32_t>(version)});
    Settle();
  }
  PublishWorld(9, {.noise_seed = 9, .popular = 399});
  Settle();
  ASSERT_EQ(server_.active(), 9);
  // Unlike the active version, and neither resident nor on the host.
  fs::remove_all(store_ / "1");
  GateWorld{.items = 50, .users = 3, .popular = 50}.Write(store_, 1);
  ASSERT_TRUE(WriteCurrent(store_, 1).ok());
  Settle();
  EXPECT_EQ(server_.active(), 1);
}

TEST_F(GateStepsTest, TheServerIsToldHowItGoes) {
  PublishWorld(1, {});
  Settle();
  v1::LoaderStatus status = server_.loader();
  EXPECT_EQ(status.store(), store_);
  EXPECT_EQ(status.current_version(), 1);
  EXPECT_EQ(status.last_good_version(), 1);
  EXPECT_TRUE(status.has_last_good_at());
  EXPECT_GT(status.fetched_bytes(), 0);
  EXPECT_FALSE(status.has_last_refusal());
  EXPECT_EQ(status.last_error(), "");

  PublishWorld(2, {.scale = 100});
  Settle();
  status = server_.loader();
  EXPECT_EQ(status.current_version(), 2);
  EXPECT_EQ(status.last_good_version(), 1);
  EXPECT_EQ(status.last_refusal().version(), 2);
  EXPECT_THAT(status.last_refusal().reason(), HasSubstr("norm of taste"));

  fs::rename(store_, store_.string() + "-away");
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(loader_->Step().ok());
  status = server_.loader();
  EXPECT_EQ(status.consecutive_errors(), 3);
  EXPECT_THAT(status.last_error(), HasSubstr(store_.string()));
  fs::rename(store_.string() + "-away", store_);
  Settle();
  EXPECT_EQ(server_.loader().consecutive_errors(), 0);
  EXPECT_EQ(server_.loader().last_error(), "");
}

}  // namespace
}  // namespace tributary
