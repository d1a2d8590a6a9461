// Steps of the loader with real directories and a fake server.
#include "server/loader/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "index/bundle/sha256.h"
#include "index/bundle/version_directory.h"
#include "index/sign/signature.h"
#include "index/sign/signed_current.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/publish/publish_to.h"
#include "tests/server/loader/fake_server.h"
#include "tests/server/loader/print_action.h"

namespace tributary {
namespace {

using Kind = LoaderAction::Kind;
using Action = LoaderAction;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

// More steps than any of these tests needs. Reconnecting takes many.
constexpr int kMaxSteps = 20;
constexpr std::chrono::seconds kPatience(30);
constexpr char kCorrupted[] = "notes.txt";

void Corrupt(const fs::path& path) {
  std::string contents = ReadFile(path);
  contents.back() ^= 1;
  OverwriteFile(path, contents);
}

class LoaderTest : public testing::Test {
 protected:
  LoaderTest() { Restart(); }

  v1::LoaderConfig Config() const {
    v1::LoaderConfig config;
    config.set_store(store_);
    config.set_bundles(bundles_);
    config.set_control(server_.address());
    config.set_allow_older(allow_older_);
    config.set_max_current_age_seconds(max_current_age_seconds_);
    for (const fs::path& key : public_keys_) config.add_public_keys(key);
    return config;
  }

  void Restart() {
    loader_.reset();
    auto loader = Loader::Create(Config());
    ASSERT_TRUE(loader.ok()) << loader.status();
    loader_ = *std::move(loader);
  }

  void PublishVersion(uint64_t version) {
    const auto status = PublishTo(WriteTinyBundle(built_, version), store_);
    ASSERT_TRUE(status.ok()) << status;
  }

  // Puts a version into the store that has one damaged file, which no other
  // version shares.
  void PublishCorrupted(uint64_t version) {
    const fs::path dir = WriteTinyBundle(store_, version);
    const std::string contents = fmt::format("of {} alone", version);
    OverwriteFile(dir / kCorrupted, contents);
    std::string manifest = ReadFile(dir / "manifest.json");
    const std::string files = "\"files\": [";
    manifest.insert(
        manifest.find(files) + files.size(),
        fmt::format(R"({{"name": "{}", "sizeBytes": "{}", "sha256": "{}"}},)",
                    kCorrupted, contents.size(),
                    Sha256Hex(std::as_bytes(std::span(contents)))));
    OverwriteFile(dir / "manifest.json", manifest);
    Corrupt(dir / kCorrupted);
    ASSERT_TRUE(WriteCurrent(store_, version).ok());
  }

  // Steps until there is nothing to do.
  void Settle() {
    for (int i = 0; i < kMaxSteps; ++i) {
      const auto action = loader_->Step();
      if (action.ok() && *action == Action()) return;
    }
    FAIL() << "still acting after " << kMaxSteps << " steps";
  }

  // Steps until the version is active on the server, which was restarted.
  void SettleAtVersion(uint64_t version) {
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    while (server_.active() != version) {
      ASSERT_LT(std::chrono::steady_clock::now(), give_up);
      loader_->Step().status().IgnoreError();
    }
    Settle();
  }

  const fs::path built_ = MakeTestDir();
  const fs::path store_ = MakeTestDir();
  const fs::path bundles_ = MakeTestDir();
  bool allow_older_ = false;
  uint64_t max_current_age_seconds_ = 0;
  std::vector<fs::path> public_keys_;
  FakeServer server_{MakeTestDir() / "s"};
  std::unique_ptr<Loader> loader_;
};

TEST_F(LoaderTest, BringsAPublishedVersionToTheServer) {
  PublishVersion(1);
  EXPECT_EQ(*loader_->Step(), (Action{Kind::kFetch, 1}));
  EXPECT_THAT(*ListVersions(bundles_), ElementsAre(1));
  EXPECT_EQ(*loader_->Step(), (Action{Kind::kGate, 1}));
  EXPECT_EQ(*loader_->Step(), (Action{Kind::kStage, 1}));
  EXPECT_EQ(*loader_->Step(), (Action{Kind::kActivate, 1}));
  EXPECT_EQ(*loader_->Step(), Action());
  EXPECT_EQ(server_.active(), 1);
}

TEST_F(LoaderTest, KeepsTheVersionToRollBackToAndDeletesOlderOnes) {
  for (const uint64_t version : {1, 2, 3}) {
    PublishVersion(version);
    Settle();
  }
  EXPECT_EQ(server_.active(), 3);
  EXPECT_THAT(server_.resident(), ElementsAre(2, 3));
  EXPECT_THAT(*ListVersions(bundles_), ElementsAre(2, 3));
}

TEST_F(LoaderTest, SharesFilesThatAVersionOnTheHostHas) {
  PublishVersion(1);
  Settle();
  PublishVersion(2);
  Settle();
  const std::string name = "taste.items.npy";
  EXPECT_TRUE(fs::equivalent(bundles_ / "1" / name, bundles_ / "2" / name));
}

TEST_F(LoaderTest, RefusesACorruptedVersionAndSaysWhy) {
  PublishVersion(1);
  Settle();
  PublishCorrupted(2);
  Settle();
  EXPECT_EQ(server_.active(), 1);
  EXPECT_THAT(*ListVersions(bundles_), ElementsAre(1));
  const auto calls = server_.calls();
  ASSERT_EQ(calls.size(), 3);
  EXPECT_THAT(calls[2], HasSubstr("refuse 2: "));
  EXPECT_THAT(calls[2], HasSubstr(kCorrupted));
}

TEST_F(LoaderTest, RetriesARefusedVersionOnlyWhenItsManifestChanged) {
  PublishCorrupted(1);
  Settle();
  const auto calls = server_.calls();
  // Repaired, but the manifest is the same.
  Corrupt(store_ / "1" / kCorrupted);
  EXPECT_EQ(*loader_->Step(), Action());
  EXPECT_EQ(server_.calls(), calls);

  const fs::path manifest = store_ / "1" / "manifest.json";
  const std::string text = ReadFile(manifest);
  fs::remove(manifest);
  EXPECT_EQ(*loader_->Step(), Action());
  OverwriteFile(manifest, text + "\n");
  Settle();
  EXPECT_EQ(server_.active(), 1);
}

TEST_F(LoaderTest, RetriesARefusedVersionWhenCurrentCameBackToIt) {
  PublishVersion(1);
  Settle();
  PublishCorrupted(2);
  Settle();
  ASSERT_TRUE(WriteCurrent(store_, 1).ok());
  Settle();
  Corrupt(store_ / "2" / kCorrupted);
  ASSERT_TRUE(WriteCurrent(store_, 2).ok());
  Settle();
  EXPECT_EQ(server_.active(), 2);
}

TEST_F(LoaderTest, ForgetsARefusalWhenCurrentMoves) {
  PublishCorrupted(1);
  Settle();
  ASSERT_TRUE(WriteCurrent(store_, 2).ok());
  // The loader looks for version 2, and does not take it for the refused one.
  EXPECT_TRUE(absl::IsNotFound(loader_->Step().status()));
}

TEST_F(LoaderTest, DropsAVersionThatTheServerRefusesToStage) {
  PublishVersion(1);
  Settle();
  PublishVersion(2);
  server_.SetStageStatus(2, {grpc::StatusCode::DATA_LOSS, "bad index"});
  Settle();
  EXPECT_EQ(server_.active(), 1);
  EXPECT_THAT(*ListVersions(bundles_), ElementsAre(1));
  // The server refused it itself, so the loader does not report it.
  EXPECT_THAT(server_.calls(), ElementsAre("stage 1", "activate 1", "stage 2"));
  // A restarted loader does not try it again.
  Restart();
  EXPECT_EQ(*loader_->Step(), Action());

  server_.SetStageStatus(2, grpc::Status::OK);
  const std::string manifest = ReadFile(store_ / "2" / "manifest.json");
  OverwriteFile(store_ / "2" / "manifest.json", manifest + "\n");
  Settle();
  EXPECT_EQ(server_.active(), 2);
}

TEST_F(LoaderTest, RefusesAVersionThatTheServerDiesOfRepeatedly) {
  PublishVersion(1);
  Settle();
  PublishVersion(2);
  server_.SetStageStatus(2, {grpc::StatusCode::UNAVAILABLE, "socket closed"});
  Settle();
  EXPECT_THAT(
      server_.calls(),
      ElementsAre(
          "stage 1", "activate 1", "stage 2", "stage 2", "stage 2",
          testing::AllOf(HasSubstr("refuse 2: "), HasSubstr("socket closed"))));
  EXPECT_THAT(*ListVersions(bundles_), ElementsAre(1));

  // The server may have more memory now: only a restarted loader tries again.
  server_.SetStageStatus(2, grpc::Status::OK);
  EXPECT_EQ(*loader_->Step(), Action());
  Restart();
  Settle();
  EXPECT_EQ(server_.active(), 2);
}

TEST_F(LoaderTest, RetriesToStageWhenTheServerIsShortOfMemory) {
  PublishVersion(1);
  server_.SetStageStatus(1, {grpc::StatusCode::RESOURCE_EXHAUSTED, "memory"});
  ASSERT_EQ(*loader_->Step(), (Action{Kind::kFetch, 1}));
  ASSERT_EQ(*loader_->Step(), (Action{Kind::kGate, 1}));
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(absl::IsResourceExhausted(loader_->Step().status()));
  }
  server_.SetStageStatus(1, grpc::Status::OK);
  Settle();
  EXPECT_EQ(server_.active(), 1);
}

TEST_F(LoaderTest, ReportsTheRefusalAgainToAServerThatRestarted) {
  PublishVersion(1);
  Settle();
  PublishCorrupted(2);
  Settle();
  const size_t calls = server_.calls().size();
  server_.Stop();
  server_.Start();
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (server_.calls().size() == calls) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up);
    loader_->Step().status().IgnoreError();
  }
  EXPECT_THAT(server_.calls().back(), HasSubstr("refuse 2: "));
}

TEST_F(LoaderTest, RespectsARollback) {
  PublishVersion(1);
  Settle();
  PublishVersion(2);
  Settle();
  server_.RollBack();
  Settle();
  EXPECT_EQ(server_.active(), 1);
  EXPECT_THAT(*ListVersions(bundles_), ElementsAre(1, 2));
}

TEST_F(LoaderTest, RespectsARollbackRightAfterActivating) {
  PublishVersion(1);
  Settle();
  PublishVersion(2);
  while (*loader_->Step() != Action{Kind::kActivate, 2}) {
  }
  server_.RollBack();
  Settle();
  EXPECT_EQ(server_.active(), 1);
}

TEST_F(LoaderTest, RespectsARollbackAfterItsOwnRestart) {
  PublishVersion(1);
  Settle();
  PublishVersion(2);
  Settle();
  server_.RollBack();
  Restart();
  Settle();
  EXPECT_EQ(server_.active(), 1);
}

TEST_F(LoaderTest, FollowsTheStoreAgainWhenCurrentMovesAfterARollback) {
  PublishVersion(1);
  Settle();
  PublishVersion(2);
  Settle();
  server_.RollBack();
  Settle();
  PublishVersion(3);
  Settle();
  EXPECT_EQ(server_.active(), 3);
}

TEST_F(LoaderTest, FollowsCurrentThatLeftAndCameBackAfterARollback) {
  PublishVersion(1);
  Settle();
  PublishVersion(2);
  Settle();
  server_.RollBack();
  PublishCorrupted(3);
  Settle();
  ASSERT_TRUE(WriteCurrent(store_, 2).ok());
  Settle();
  EXPECT_EQ(server_.active(), 2);
}

TEST_F(LoaderTest, HoldsBackAnOlderVersionUntilItIsAllowed) {
  for (const uint64_t version : {1, 2, 3}) {
    PublishVersion(version);
    Settle();
  }
  ASSERT_TRUE(WriteCurrent(store_, 1).ok());
  Settle();
  EXPECT_EQ(server_.active(), 3);
  allow_older_ = true;
  Restart();
  Settle();
  EXPECT_EQ(server_.active(), 1);
}

TEST_F(LoaderTest, RemembersTheHighestVersionAcrossRestarts) {
  for (const uint64_t version : {1, 3}) {
    PublishVersion(version);
    Settle();
  }
  server_.RollBack();
  Settle();
  // Newer than the active version, older than the highest that was active.
  PublishVersion(2);
  Restart();
  Settle();
  EXPECT_EQ(server_.active(), 1);
}

TEST_F(LoaderTest, ActivatesNothingWhileTheHighestVersionIsNotKnown) {
  PublishVersion(1);
  Settle();
  OverwriteFile(bundles_ / ".loader.highest", "?");
  Restart();
  PublishVersion(2);
  const auto step = loader_->Step({});
  EXPECT_EQ(step.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(step.status().message()),
              HasSubstr(".loader.highest"));
  EXPECT_EQ(server_.active(), 1);
  OverwriteFile(bundles_ / ".loader.highest", "1\n");
  Settle();
  EXPECT_EQ(server_.active(), 2);
}

TEST_F(LoaderTest, TakesTheLastVersionForTheHighestWhileOlderOnesAreAllowed) {
  for (const uint64_t version : {1, 9}) {
    PublishVersion(version);
    Settle();
  }
  allow_older_ = true;
  Restart();
  ASSERT_TRUE(WriteCurrent(store_, 1).ok());
  Settle();
  allow_older_ = false;
  Restart();
  PublishVersion(2);
  Settle();
  EXPECT_EQ(server_.active(), 2);
}

TEST_F(LoaderTest, WithKeysRefusesWhatIsNotSigned) {
  const fs::path key = MakeTestDir() / "key";
  ASSERT_TRUE(GenerateKeyPair(key).ok());
  public_keys_ = {key.string() + ".pub"};
  Restart();
  PublishVersion(1);
  Settle();
  EXPECT_EQ(server_.active(), 0);
  EXPECT_THAT(server_.calls().back(), HasSubstr("manifest.sig: missing"));
  // Signed after it was refused.
  DirectoryStore store(store_);
  ASSERT_TRUE(Publish(built_ / "1", &store, key).ok());
  Settle();
  EXPECT_EQ(server_.active(), 1);
  EXPECT_TRUE(fs::exists(bundles_ / "1" / "manifest.sig"));
}

TEST_F(LoaderTest, WithKeysRefusesWhatAnotherKeySigned) {
  const fs::path dir = MakeTestDir();
  ASSERT_TRUE(GenerateKeyPair(dir / "ours").ok());
  ASSERT_TRUE(GenerateKeyPair(dir / "theirs").ok());
  public_keys_ = {dir / "ours.pub"};
  Restart();
  DirectoryStore store(store_);
  ASSERT_TRUE(Publish(WriteTinyBundle(built_, 1), &store, dir / "theirs").ok());
  Settle();
  EXPECT_EQ(server_.active(), 0);
  EXPECT_THAT(server_.calls().back(), HasSubstr("not a signature"));
}

TEST_F(LoaderTest, WithAMaximumAgeFollowsOnlyAFreshlySignedCurrent) {
  const fs::path key = MakeTestDir() / "key";
  ASSERT_TRUE(GenerateKeyPair(key).ok());
  public_keys_ = {key.string() + ".pub"};
  max_current_age_seconds_ = 3600;
  Restart();
  // An empty store is no error.
  Settle();
  DirectoryStore store(store_);
  ASSERT_TRUE(Publish(WriteTinyBundle(built_, 1), &store, key).ok());
  Settle();
  EXPECT_EQ(server_.active(), 1);
  // Somebody who can write into the store, and cannot sign, moves CURRENT.
  ASSERT_TRUE(Publish(WriteTinyBundle(built_, 2), &store, key).ok());
  ASSERT_TRUE(store.WriteCurrent(1).ok());
  Settle();
  EXPECT_EQ(server_.active(), 2);
  const absl::StatusOr<uint64_t> refreshed = Refresh(&store, key);
  ASSERT_TRUE(refreshed.ok()) << refreshed.status();
  EXPECT_EQ(*refreshed, 1);
  ASSERT_TRUE(store.WriteCurrent(2).ok());
  ASSERT_TRUE(Refresh(&store, key).ok());
  Settle();
  // Somebody keeps newer signatures from it.
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  const auto old = SignCurrent(2, now_ms - 7'200'000, key);
  ASSERT_TRUE(old.ok());
  OverwriteFile(store_ / kSignedCurrentName, *old);
  const absl::Status stale = loader_->Step().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(stale)) << stale;
  EXPECT_THAT(std::string(stale.message()), HasSubstr("tributary refresh"));
  fs::remove(store_ / kSignedCurrentName);
  const absl::Status missing = loader_->Step().status();
  EXPECT_THAT(std::string(missing.message()),
              HasSubstr("CURRENT.signed: missing"));
  EXPECT_EQ(server_.active(), 2);
}

TEST_F(LoaderTest, WithKeysChecksWhatCameBeforeThereWereKeys) {
  PublishVersion(1);
  ASSERT_EQ(*loader_->Step(), (Action{Kind::kFetch, 1}));
  const fs::path key = MakeTestDir() / "key";
  ASSERT_TRUE(GenerateKeyPair(key).ok());
  public_keys_ = {key.string() + ".pub"};
  Restart();
  Settle();
  EXPECT_EQ(server_.active(), 0);
  EXPECT_THAT(server_.calls(), ElementsAre(HasSubstr("refuse 1: ")));
  EXPECT_THAT(*ListVersions(bundles_), IsEmpty());
}

TEST_F(LoaderTest, LeavesAllAsItIsWhenTheStoreIsAway) {
  PublishVersion(1);
  Settle();
  PublishVersion(2);
  Settle();
  const auto calls = server_.calls();
  const fs::path away = store_.string() + "-away";
  fs::rename(store_, away);
  EXPECT_TRUE(absl::IsNotFound(loader_->Step().status()));
  fs::create_directory(store_);
  EXPECT_EQ(*loader_->Step(), Action());
  OverwriteFile(store_ / "CURRENT", "garbage");
  EXPECT_TRUE(absl::IsDataLoss(loader_->Step().status()));
  EXPECT_EQ(server_.calls(), calls);
  EXPECT_THAT(*ListVersions(bundles_), ElementsAre(1, 2));

  // A rollback in the meantime is remembered, too.
  server_.RollBack();
  fs::remove_all(store_);
  fs::rename(away, store_);
  Settle();
  EXPECT_EQ(server_.active(), 1);
}

TEST_F(LoaderTest, WaitsForAVersionThatIsNotInTheStoreYet) {
  ASSERT_TRUE(WriteCurrent(store_, 1).ok());
  EXPECT_TRUE(absl::IsNotFound(loader_->Step().status()));
  PublishVersion(1);
  Settle();
  EXPECT_EQ(server_.active(), 1);
}

TEST_F(LoaderTest, FetchesWhileTheServerIsAway) {
  server_.Stop();
  PublishVersion(1);
  Settle();
  EXPECT_THAT(*ListVersions(bundles_), ElementsAre(1));
  server_.Start();
  SettleAtVersion(1);
}

TEST_F(LoaderTest, FetchesAgainWhatTheHostSpoiled) {
  PublishVersion(1);
  // Fetched, and not yet compared by the gate.
  ASSERT_TRUE(loader_->Step().ok());
  const fs::path file = bundles_ / "1" / "taste.items.npy";
  ASSERT_TRUE(fs::exists(file));
  Corrupt(file);
  Restart();
  Settle();
  EXPECT_EQ(server_.active(), 1);
  EXPECT_EQ(ReadFile(file), ReadFile(store_ / "1" / "taste.items.npy"));
}

TEST_F(LoaderTest, GoesOnWithAServerThatRestarted) {
  PublishVersion(1);
  Settle();
  server_.Stop();
  server_.Start();
  PublishVersion(2);
  SettleAtVersion(2);
  EXPECT_THAT(server_.resident(), ElementsAre(1, 2));
}

TEST_F(LoaderTest, ExcludesAnotherLoader) {
  const auto second = Loader::Create(Config());
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status())) << second.status();
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(bundles_.string()));
}

TEST_F(LoaderTest, RefusesToWorkOnTheStoreItself) {
  v1::LoaderConfig config = Config();
  config.set_bundles(store_);
  EXPECT_TRUE(absl::IsInvalidArgument(Loader::Create(config).status()));
}

TEST_F(LoaderTest, RemovesWhatACutOffFetchLeftWhenItIsNoLongerWanted) {
  fs::create_directories(bundles_ / ".incoming-1-99-0" / "1");
  ASSERT_TRUE(WriteCurrent(store_, 2).ok());
  EXPECT_TRUE(absl::IsNotFound(loader_->Step().status()));
  EXPECT_FALSE(fs::exists(bundles_ / ".incoming-1-99-0"));
}

TEST_F(LoaderTest, BeginsNothingOnceToldToStop) {
  PublishVersion(1);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(absl::IsCancelled(loader_->Step(stop.get_token()).status()));
  EXPECT_THAT(*ListVersions(bundles_), IsEmpty());
}

}  // namespace
}  // namespace tributary
