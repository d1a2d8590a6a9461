// The loader's copy of a store's live changes.
#include "server/loader/change_follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "index/changes/read_changes.h"
#include "index/sign/signature.h"
#include "server/loader/loader_config.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::Change Remove(const std::string& item) {
  v1::Change change;
  change.set_item(item);
  change.mutable_remove();
  return change;
}

class ChangeFollowerTest : public testing::Test {
 protected:
  ChangeFollowerTest() {
    fs::create_directories(store_);
    fs::create_directories(bundles_);
    Restart();
  }
  void Restart() {
    follower_.reset();
    v1::LoaderConfig config;
    config.set_store(store_);
    config.set_bundles(bundles_);
    for (const fs::path& key : keys_) config.add_public_keys(key);
    auto completed = CompleteLoaderConfig(config);
    ASSERT_TRUE(completed.ok()) << completed.status();
    auto follower = ChangeFollower::Create(*completed);
    ASSERT_TRUE(follower.ok()) << follower.status();
    follower_ = *std::move(follower);
  }
  void Write(const std::vector<v1::Change>& changes, const fs::path& key = "") {
    ChangeLog::Signer signer;
    if (!key.empty()) {
      signer = [&key](std::string_view text) {
        return SignManifest(text, key);
      };
    }
    auto log = ChangeLog::Open(store_ / kChangesName, signer);
    ASSERT_TRUE(log.ok()) << log.status();
    ASSERT_TRUE((*log)->Append(changes).ok());
  }
  std::vector<std::string> Copied() const {
    const fs::path folder = bundles_ / kChangesName;
    const auto head = ReadChangeHead(folder);
    EXPECT_TRUE(head.ok()) << head.status();
    ChangePosition position;
    std::vector<std::string> items;
    const absl::Status read = ReadChanges(
        *head, folder, &position,
        [&](const v1::Change& change, std::string_view, const absl::Status&) {
          items.push_back(change.item());
          return absl::OkStatus();
        });
    EXPECT_TRUE(read.ok()) << read;
    return items;
  }
  // The file of the log below `root` with these changes.
  static fs::path SegmentIn(const fs::path& root, const std::string& numbers) {
    for (const auto& entry : fs::directory_iterator(root / kChangesName)) {
      if (entry.path().filename().native().starts_with(numbers + ".")) {
        return entry.path();
      }
    }
    ADD_FAILURE() << "no segment " << numbers;
    return {};
  }
  absl::Status Step() { return follower_->Step({}); }

  const fs::path root_ = MakeTestDir();
  const fs::path store_ = root_ / "store";
  const fs::path bundles_ = root_ / "bundles";
  std::vector<fs::path> keys_;
  std::unique_ptr<ChangeFollower> follower_;
};

TEST_F(ChangeFollowerTest, WithoutChangesThereIsNoCopy) {
  EXPECT_TRUE(Step().ok());
  EXPECT_FALSE(fs::exists(bundles_ / kChangesName));
}

TEST_F(ChangeFollowerTest, CopiesWhatCameSinceAlsoAfterARestart) {
  Write({Remove("a"), Remove("b")});
  ASSERT_TRUE(Step().ok());
  EXPECT_THAT(Copied(), ElementsAre("a", "b"));
  Write({Remove("c")});
  ASSERT_TRUE(Step().ok());
  ASSERT_TRUE(Step().ok());
  Write({Remove("d")});
  Restart();
  ASSERT_TRUE(Step().ok());
  EXPECT_THAT(Copied(), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(ReadChangeHead(bundles_ / kChangesName)->at_ms,
            ReadChangeHead(store_ / kChangesName)->at_ms);
}

TEST_F(ChangeFollowerTest, AStoreThatIsGoneLeavesTheCopy) {
  Write({Remove("a")});
  ASSERT_TRUE(Step().ok());
  fs::remove_all(store_);
  EXPECT_EQ(Step().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Copied(), ElementsAre("a"));
}

TEST_F(ChangeFollowerTest, ADamagedStoreLeavesTheCopy) {
  Write({Remove("a")});
  ASSERT_TRUE(Step().ok());
  Write({Remove("b")});
  const fs::path segment = SegmentIn(store_, "2-2");
  const std::string right = ReadFile(segment);
  OverwriteFile(segment, "wrong");
  EXPECT_EQ(Step().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(Copied(), ElementsAre("a"));
  OverwriteFile(segment, right);
  ASSERT_TRUE(Step().ok());
  EXPECT_THAT(Copied(), ElementsAre("a", "b"));
}

TEST_F(ChangeFollowerTest, ADamagedCopyIsMadeAnew) {
  Write({Remove("a"), Remove("b")});
  ASSERT_TRUE(Step().ok());
  for (const fs::path& path : {bundles_ / kChangesName / kChangeHeadName,
                               SegmentIn(bundles_, "1-2")}) {
    OverwriteFile(path, "wrong");
    Restart();
    ASSERT_TRUE(Step().ok());
    EXPECT_THAT(Copied(), ElementsAre("a", "b"));
  }
}

TEST_F(ChangeFollowerTest, ALogThatWasBegunAnewIsNotFollowed) {
  Write({Remove("a")});
  ASSERT_TRUE(Step().ok());
  fs::remove_all(store_ / kChangesName);
  Write({Remove("x"), Remove("y")});
  const absl::Status status = Step();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("begun anew on purpose"));
  EXPECT_THAT(Copied(), ElementsAre("a"));
}

TEST_F(ChangeFollowerTest, CopiesASnapshotAndWhatComesAfterIt) {
  Write({Remove("a"), Remove("b")});
  ASSERT_TRUE(Step().ok());
  Write({Remove("a"), Remove("c")});
  {
    auto log = ChangeLog::Open(store_ / kChangesName);
    ASSERT_TRUE(log.ok()) << log.status();
    ASSERT_TRUE((*log)->Compact().ok());
  }
  Write({Remove("d")});
  ASSERT_TRUE(Step().ok());
  const auto copy = ReadChangeHead(bundles_ / kChangesName);
  ASSERT_TRUE(copy.ok());
  EXPECT_EQ(copy->snapshot.through, 4U);
  EXPECT_EQ(copy->chain, ReadChangeHead(store_ / kChangesName)->chain);
  EXPECT_THAT(Copied(), ElementsAre("b", "a", "c", "d"));
  // One that has all of it goes on with what comes after.
  Write({Remove("e")});
  {
    auto log = ChangeLog::Open(store_ / kChangesName);
    ASSERT_TRUE(log.ok()) << log.status();
    ASSERT_TRUE((*log)->Compact().ok());
  }
  Restart();
  ASSERT_TRUE(Step().ok());
  EXPECT_THAT(Copied(), ElementsAre("b", "a", "c", "d", "e"));
}

TEST_F(ChangeFollowerTest, ADamagedSnapshotLeavesTheCopy) {
  Write({Remove("a")});
  ASSERT_TRUE(Step().ok());
  Write({Remove("b")});
  std::string name;
  {
    auto log = ChangeLog::Open(store_ / kChangesName);
    ASSERT_TRUE(log.ok()) << log.status();
    ASSERT_TRUE((*log)->Compact().ok());
    name = (*log)->head().snapshot.parts[0].Name(2);
  }
  OverwriteFile(store_ / kChangesName / name, "wrong");
  EXPECT_EQ(Step().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(Copied(), ElementsAre("a"));
}

// The log is looked at once in 1 s if nothing tells of a change, so that what
// takes less was told.
TEST_F(ChangeFollowerTest, HearsOfAChangeInADirectory) {
  Write({Remove("first")});
  std::jthread running(
      [this](const std::stop_token& stop) { follower_->Run(stop); });
  const auto copied_in = [this](uint64_t change) {
    const auto start = std::chrono::steady_clock::now();
    while (ReadChangeHead(bundles_ / kChangesName)->through < change) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return std::chrono::steady_clock::now() - start;
  };
  copied_in(1);
  std::chrono::nanoseconds all(0);
  for (uint64_t change = 2; change <= 11; ++change) {
    Write({Remove("more")});
    all += copied_in(change);
  }
  EXPECT_LT(all, std::chrono::seconds(5));
  EXPECT_TRUE(fs::exists(bundles_ / kChangesName / kChangesCheckedName));
  // The log's folder is replaced as a whole, as by a backup.
  fs::rename(store_ / kChangesName, store_ / "old");
  fs::copy(store_ / "old", store_ / kChangesName);
  Write({Remove("last")});
  copied_in(12);
  const auto start = std::chrono::steady_clock::now();
  running.request_stop();
  running.join();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST_F(ChangeFollowerTest, HearsOfALogThatIsBegunLater) {
  std::jthread running(
      [this](const std::stop_token& stop) { follower_->Run(stop); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  Write({Remove("first")});
  while (ReadChangeHead(bundles_ / kChangesName)->through < 1) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST_F(ChangeFollowerTest, WithKeysOnlyWhatOneOfThemSignedIsCopied) {
  const fs::path key = root_ / "key";
  const fs::path other = root_ / "other";
  ASSERT_TRUE(GenerateKeyPair(key).ok());
  ASSERT_TRUE(GenerateKeyPair(other).ok());
  keys_ = {key.native() + ".pub"};
  Restart();
  Write({Remove("a")});
  absl::Status status = Step();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("not signed"));
  Write({Remove("b")}, other);
  status = Step();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("by another key"));
  EXPECT_THAT(Copied(), IsEmpty());
  Write({Remove("c")}, key);
  ASSERT_TRUE(Step().ok());
  EXPECT_THAT(Copied(), ElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace tributary
