#include "server/pipeline/bundle_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cmath>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "index/publish/version_directory.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/server_config.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// The built-in kinds; the "popularity" ones tell by which thread they were
// destroyed.
class Destructions {
 public:
  RetrieverRegistry Registry() {
    RetrieverRegistry registry;
    registry.Register("vector",
                      [](const Bundle& bundle, const v1::RetrieverSpec& spec) {
                        return RetrieverRegistry::BuiltIn().Make(bundle, spec);
                      });
    registry.Register("popularity",
                      [this](const Bundle& bundle, const v1::RetrieverSpec&)
                          -> absl::StatusOr<std::unique_ptr<Retriever>> {
                        return std::make_unique<Witness>(bundle.version(),
                                                         this);
                      });
    return registry;
  }

  // Waits until the version's retriever is gone; its destroyer.
  std::thread::id WaitFor(uint64_t version) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return by_version_.contains(version); });
    return by_version_[version];
  }
  void WaitAndForget(uint64_t version) {
    WaitFor(version);
    const std::lock_guard lock(mutex_);
    by_version_.erase(version);
  }
  bool Happened(uint64_t version) {
    const std::lock_guard lock(mutex_);
    return by_version_.contains(version);
  }

 private:
  class Witness : public Retriever {
   public:
    Witness(uint64_t version, Destructions* destructions)
        : version_(version), destructions_(destructions) {}
    ~Witness() override {
      const std::lock_guard lock(destructions_->mutex_);
      destructions_->by_version_[version_] = std::this_thread::get_id();
      destructions_->changed_.notify_all();
    }
    absl::StatusOr<Ask> Retrieve(
        const RetrieverQuery&, uint32_t,
        std::vector<ScoredRow>* proposals) const override {
      proposals->clear();
      return Ask::kAnswered;
    }

   private:
    const uint64_t version_;
    Destructions* const destructions_;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<uint64_t, std::thread::id> by_version_;
};

class BundleSetTest : public testing::Test {
 protected:
  v1::ServerConfig Config() const {
    v1::ServerConfig config;
    config.set_bundles(root_);
    config.mutable_defaults()->set_deadline_ms(60'000);
    v1::QuotaShare* share = config.mutable_defaults()->add_quotas();
    share->set_retriever("taste");
    share->set_share(1);
    return CompleteServerConfig(config).value();
  }
  std::vector<std::pair<uint64_t, v1::BundleState>> States() {
    std::vector<std::pair<uint64_t, v1::BundleState>> states;
    const auto list = set_.List();
    EXPECT_TRUE(list.ok()) << list.status();
    for (const v1::BundleStatus& bundle : list->bundles()) {
      states.emplace_back(bundle.version(), bundle.state());
    }
    return states;
  }
  std::vector<std::pair<uint64_t, v1::BundleState>> Resident() {
    std::vector<std::pair<uint64_t, v1::BundleState>> states;
    const v1::ServerStatus status = set_.GetStatus();
    for (const v1::BundleStatus& bundle : status.bundles()) {
      states.emplace_back(bundle.version(), bundle.state());
    }
    return states;
  }
  static std::vector<uint64_t> Residents(const BundleSet& set) {
    std::vector<uint64_t> versions;
    const v1::ServerStatus status = set.GetStatus();
    for (const auto& bundle : status.bundles()) {
      versions.push_back(bundle.version());
    }
    return versions;
  }
  static absl::StatusOr<v1::ServerStatus> SetLabel(BundleSet* set,
                                                   const std::string& name,
                                                   uint64_t version,
                                                   double share) {
    v1::SetLabelRequest request;
    request.set_name(name);
    request.set_version(version);
    request.set_share(share);
    return set->SetLabel(request);
  }
  // Of an anonymous request; 0 for an error.
  uint64_t RoutedVersion(const std::string& label) {
    v1::RetrieveRequest request;
    request.set_bundle_label(label);
    const auto routed = set_.Route(request);
    return routed.ok() ? routed->bundle->bundle().version() : 0;
  }
  void StageAndActivate(uint64_t version) {
    const auto staged = set_.Stage(version);
    ASSERT_TRUE(staged.ok()) << staged.status();
    const auto active = set_.Activate(version);
    ASSERT_TRUE(active.ok()) << active.status();
    EXPECT_EQ(active->state(), v1::ACTIVE);
  }
  void FlipAByte(const std::filesystem::path& file) {
    std::string contents = ReadFile(file);
    contents.back() ^= 1;
    OverwriteFile(file, contents);
  }

  const std::filesystem::path root_ = MakeTestDir();
  Destructions destructions_;
  std::vector<uint64_t> activated_;
  BundleSet set_{Config(), destructions_.Registry(),
                 [this](const ServingBundle& active, absl::Duration) {
                   activated_.push_back(active.bundle().version());
                 }};
};

TEST_F(BundleSetTest, ServesNothingFromAnEmptyRoot) {
  EXPECT_TRUE(set_.Restore().ok());
  EXPECT_EQ(set_.Snapshot().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(set_.GetStatus().active_version(), 0);
  EXPECT_THAT(activated_, IsEmpty());
}

TEST_F(BundleSetTest, RestoresWhatCurrentNames) {
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

TEST_F(BundleSetTest, ABrokenVersionIsNotRestoredButOthersCanBeStaged) {
  WriteTinyBundle(root_, 1);
  FlipAByte(WriteTinyBundle(root_, 2) / "taste.items.npy");
  ASSERT_TRUE(WriteCurrent(root_, 2).ok());
  const absl::Status status = set_.Restore();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("taste.items.npy"));
  EXPECT_EQ(set_.Snapshot().status().code(), absl::StatusCode::kUnavailable);
  StageAndActivate(1);
  EXPECT_EQ((*set_.Snapshot())->bundle().version(), 1);
}

TEST_F(BundleSetTest, RestoreTellsOfACurrentThatNamesNothing) {
  WriteTinyBundle(root_, 1);
  ASSERT_TRUE(WriteCurrent(root_, 5).ok());
  EXPECT_EQ(set_.Restore().code(), absl::StatusCode::kNotFound);
  OverwriteFile(root_ / "CURRENT", "five\n");
  EXPECT_EQ(set_.Restore().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(set_.GetStatus().active_version(), 0);
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

TEST_F(BundleSetTest, ActivatesOnlyWhatIsStaged) {
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
  // What was rolled back from stays at hand, but is not rolled back to. The
  // background brings 1 back, or Rollback itself.
  ASSERT_TRUE((back = set_.Rollback()).ok()) << back.status();
  EXPECT_EQ(back->version(), 1);
  EXPECT_EQ(set_.Rollback().status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Resident(), ElementsAre(Pair(1, v1::ACTIVE), Pair(2, v1::STAGED),
                                      Pair(3, v1::STAGED)));
  EXPECT_EQ(set_.GetStatus().swaps(), 4);
  EXPECT_EQ(set_.GetStatus().previous_version(), 0);
  // What serves next is rolled back from to 1, not to what was given up.
  StageAndActivate(4);
  ASSERT_TRUE((back = set_.Rollback()).ok()) << back.status();
  EXPECT_EQ(back->version(), 1);
  EXPECT_THAT(activated_, ElementsAre(1, 2, 3, 2, 1, 4, 1));
}

TEST_F(BundleSetTest, RollbackPassesOverWhatIsGoneFromTheDisk) {
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

TEST_F(BundleSetTest, AfterARestartHistoryAndLabelsAreResidentAgain) {
  for (const uint64_t version : {1, 2, 3, 4}) WriteTinyBundle(root_, version);
  for (const uint64_t version : {1, 2, 3}) StageAndActivate(version);
  ASSERT_TRUE(set_.Stage(4).ok());
  ASSERT_TRUE(SetLabel(&set_, "canary", 4, .25).ok());
  const v1::ServerStatus before = set_.GetStatus();

  BundleSet again(Config(), RetrieverRegistry::BuiltIn(), nullptr);
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

TEST_F(BundleSetTest, ADamagedRecordIsNoReasonNotToServe) {
  for (const uint64_t version : {1, 2}) {
    WriteTinyBundle(root_, version);
    StageAndActivate(version);
  }
  FlipAByte(root_ / kServingRecordName);
  BundleSet again(Config(), RetrieverRegistry::BuiltIn(), nullptr);
  ASSERT_TRUE(again.Restore().ok());
  EXPECT_EQ(again.GetStatus().active_version(), 2);
  EXPECT_EQ(again.GetStatus().previous_version(), 0);
  // And it is replaced.
  EXPECT_TRUE(ReadServingRecord(root_).ok());
}

TEST_F(BundleSetTest, ACrashBetweenCurrentAndTheRecordKeepsTheHistory) {
  for (const uint64_t version : {1, 2, 3}) {
    WriteTinyBundle(root_, version);
    StageAndActivate(version);
  }
  const std::string record = ReadFile(root_ / kServingRecordName);
  // Activating 4, and rolling back to 2.
  WriteTinyBundle(root_, 4);
  for (const auto& [current, previous] : {std::pair{4, 3}, {2, 1}}) {
    OverwriteFile(root_ / kServingRecordName, record);
    ASSERT_TRUE(WriteCurrent(root_, static_cast<uint64_t>(current)).ok());
    BundleSet again(Config(), RetrieverRegistry::BuiltIn(), nullptr);
    ASSERT_TRUE(again.Restore().ok());
    EXPECT_EQ(again.GetStatus().active_version(), current);
    EXPECT_EQ(again.GetStatus().previous_version(), previous);
  }
}

TEST_F(BundleSetTest, LabelsRouteTheirUsersAndThoseWhoAsk) {
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

TEST_F(BundleSetTest, RefusesLabelsThatCannotBe) {
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

TEST_F(BundleSetTest, ALabelledVersionOutlivesWhatIsStagedAfterIt) {
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
  // The next one takes the place of the label's.
  ASSERT_TRUE(set_.Activate(2).ok());
  EXPECT_EQ(RoutedVersion("canary"), 2);
  EXPECT_EQ(RoutedVersion("stable"), 2);
}

TEST_F(BundleSetTest, WhatDoesNotFitBesideTheActiveOneIsNotStaged) {
  for (const uint64_t version : {1, 2, 3}) WriteTinyBundle(root_, version);
  const uint64_t size = (*Bundle::Open(root_ / "1"))->size_bytes();
  ProcessMemory memory;
  memory.machine.available = 2 * size + size / 2;
  BundleSet set(Config(), RetrieverRegistry::BuiltIn(), nullptr,
                [&] { return memory; });
  ASSERT_TRUE(set.Restore().ok());  // 3
  ASSERT_TRUE(set.Stage(1).ok());
  ASSERT_TRUE(set.Activate(1).ok());
  // What served before makes room for what is staged.
  ASSERT_TRUE(set.Stage(2).ok());
  EXPECT_EQ(Residents(set), (std::vector<uint64_t>{1, 2}));
  ASSERT_TRUE(SetLabel(&set, "canary", 2, 0).ok());
  const auto refused = set.Stage(3);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("version 3"));
  // It is not the version's fault.
  EXPECT_EQ(set.GetStatus().refusals(), 0);
  EXPECT_EQ(Residents(set), (std::vector<uint64_t>{1, 2}));
}

TEST_F(BundleSetTest, UnloadsOnlyWhatIsNotNeeded) {
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

TEST_F(BundleSetTest, BoundsWhatIsResident) {
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

TEST_F(BundleSetTest, RemembersWhatTheLoaderRefused) {
  set_.Refuse(4, "no room");
  EXPECT_EQ(set_.GetStatus().last_refusal().version(), 4);
  EXPECT_EQ(set_.GetStatus().last_refusal().reason(), "no room");
  EXPECT_EQ(set_.GetStatus().refusals(), 1);
}

TEST_F(BundleSetTest, AHeldBundleOutlivesItsUnloading) {
  for (const uint64_t version : {1, 2}) {
    WriteTinyBundle(root_, version);
    ASSERT_TRUE(set_.Stage(version).ok());
  }
  auto held = *set_.Snapshot(1);
  ASSERT_TRUE(set_.Unload(1).ok());
  ASSERT_TRUE(set_.Unload(2).ok());
  // Whoever destroyed 2 has seen 1 as well.
  EXPECT_NE(destructions_.WaitFor(2), std::this_thread::get_id());
  EXPECT_EQ(held->bundle().items().Find("c"), 2);
  EXPECT_FALSE(destructions_.Happened(1));
  held.reset();
  EXPECT_NE(destructions_.WaitFor(1), std::this_thread::get_id());
}

TEST_F(BundleSetTest, WhatServedIsServedAgainHoweverShortMemoryIs) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  ProcessMemory memory;
  memory.machine.available = 1;
  BundleSet set(Config(), RetrieverRegistry::BuiltIn(), nullptr,
                [&] { return memory; });
  EXPECT_TRUE(set.Restore().ok());
  EXPECT_EQ(set.GetStatus().active_version(), 2);
  EXPECT_EQ(set.Stage(1).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(BundleSetTest, SwapsLeaveNothingBehind) {
  for (const uint64_t version : {1, 2, 3}) WriteTinyBundle(root_, version);
  const auto used_after = [this](int swaps) {
    for (int i = 0; i < swaps; ++i) {
      const uint64_t version = 1 + static_cast<uint64_t>(i) % 3;
      StageAndActivate(version);
      // The one before the last one goes.
      if (i > 2) destructions_.WaitAndForget(1 + (version % 3));
    }
    return mallinfo2().uordblks;
  };
  const size_t before = used_after(60);
  const size_t after = used_after(150);
  // The last to go may still be going: some 20 kB, of 150 times as much.
  // Nothing is counted where a sanitizer has an allocator of its own.
  EXPECT_LE(after, before + 100'000);
}

TEST_F(BundleSetTest, RequestsNeverSeeASwap) {
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
        // User 20 likes the second dimension.
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
  // Every unloaded version goes although requests never cease.
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
