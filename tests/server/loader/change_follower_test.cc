// The loader's copy of a store's live changes.
#include "server/loader/change_follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
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
  const fs::path segment = store_ / kChangesName / "2-2.segment";
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
  for (const char* const name : {"HEAD", "1-2.segment"}) {
    OverwriteFile(bundles_ / kChangesName / name, "wrong");
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
