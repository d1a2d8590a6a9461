// Fetching from a directory store. http_store_test is about connections.
#include "index/publish/fetch_version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "index/bundle/bundle.h"
#include "index/bundle/scratch_directory.h"
#include "index/bundle/version_directory.h"
#include "index/publish/directory_store.h"
#include "index/verify/verify_version.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr char kFile[] = "taste.items.npy";

void Corrupt(const fs::path& path) {
  std::string contents = ReadFile(path);
  contents.back() ^= 1;
  OverwriteFile(path, contents);
}

// A directory store that counts how it is read.
class CountingStore : public DirectoryStore {
 public:
  using DirectoryStore::DirectoryStore;

  absl::Status ReadFile(uint64_t version, const std::string& name,
                        uint64_t offset, std::string* validator, ByteSink* sink,
                        const std::stop_token& stop) override {
    ++files;
    if (name == fails) return absl::NotFoundError(name);
    const int now = ++at_once;
    for (int most = most_at_once; now > most;) {
      if (most_at_once.compare_exchange_weak(most, now)) break;
    }
    const absl::Status status =
        DirectoryStore::ReadFile(version, name, offset, validator, sink, stop);
    --at_once;
    return status;
  }

  std::atomic<int> files = 0;
  std::atomic<int> at_once = 0;
  std::atomic<int> most_at_once = 0;
  std::string fails;
};

class FetchVersionTest : public testing::Test {
 protected:
  FetchVersionTest() {
    WriteTinyBundle(store_.root(), 1);
    WriteTinyBundle(store_.root(), 2);
    options_.exclusive = true;
    options_.counts = &counts_;
  }

  absl::Status Fetch(uint64_t version) {
    const auto manifest = store_.ReadManifest(version, {});
    if (!manifest.ok()) return manifest.status();
    store_.files = 0;
    return FetchVersion(&store_, version, *manifest, root_, options_);
  }

  CountingStore store_{MakeTestDir()};
  const fs::path root_ = MakeTestDir();
  FetchOptions options_;
  FetchCounts counts_;
};

TEST_F(FetchVersionTest, SharesTheFilesOfAnotherVersion) {
  ASSERT_TRUE(Fetch(1).ok());
  const uint64_t bytes = counts_.fetched_bytes;
  EXPECT_GT(bytes, 0);
  ASSERT_TRUE(Fetch(2).ok());
  EXPECT_EQ(store_.files, 0);
  EXPECT_EQ(counts_.fetched_bytes, bytes);
  EXPECT_EQ(counts_.shared_bytes, bytes);
  EXPECT_TRUE(fs::equivalent(root_ / "1" / kFile, root_ / "2" / kFile));
  EXPECT_TRUE(VerifyVersion(root_ / "2").ok());
}

TEST_F(FetchVersionTest, DoesNotShareFilesWithChangedBytes) {
  ASSERT_TRUE(Fetch(1).ok());
  Corrupt(root_ / "1" / kFile);
  ASSERT_TRUE(Fetch(2).ok());
  EXPECT_EQ(store_.files, 1);
  EXPECT_FALSE(fs::equivalent(root_ / "1" / kFile, root_ / "2" / kFile));
  EXPECT_TRUE(VerifyVersion(root_ / "2").ok());
}

TEST_F(FetchVersionTest, SharesNothingUnlessExclusive) {
  options_.exclusive = false;
  ASSERT_TRUE(Fetch(1).ok());
  ASSERT_TRUE(Fetch(2).ok());
  EXPECT_EQ(counts_.shared_bytes, 0);
}

TEST_F(FetchVersionTest, ContinuesAFetchThatFailed) {
  // The smallest file is fetched last.
  options_.download.set_parallel(1);
  uint64_t least = ~uint64_t{0};
  const auto manifest = ParseManifest(store_.ReadManifest(1, {})->json);
  for (const v1::FileEntry& file : manifest->files()) {
    if (file.size_bytes() > least) continue;
    least = file.size_bytes();
    store_.fails = file.name();
  }
  EXPECT_TRUE(absl::IsNotFound(Fetch(1)));
  EXPECT_FALSE(fs::exists(root_ / "1"));
  store_.fails = "";
  ASSERT_TRUE(Fetch(1).ok());
  EXPECT_EQ(store_.files, 1);
  EXPECT_TRUE(VerifyVersion(root_ / "1").ok());
  EXPECT_EQ(std::distance(fs::directory_iterator(root_), {}), 1);
}

// Writes `contents` as the partial file of a fetch that was killed.
void LeavePart(const fs::path& root, const std::string& contents) {
  auto scratch = *ScratchDirectory::Create(root, kIncoming, 1);
  fs::create_directories(scratch.path() / "parts");
  OverwriteFile(scratch.path() / "parts" / kFile, contents);
  std::move(scratch).Abandon();
}

TEST_F(FetchVersionTest, ContinuesAPartialFile) {
  const std::string whole = ReadFile(store_.root() / "1" / kFile);
  LeavePart(root_, whole.substr(0, 50));
  ASSERT_TRUE(Fetch(1).ok());
  uint64_t others = 0;
  for (const auto& file : fs::directory_iterator(root_ / "1")) {
    if (file.path().filename() != "manifest.json") others += file.file_size();
  }
  EXPECT_EQ(counts_.fetched_bytes, others - 50);
  EXPECT_TRUE(VerifyVersion(root_ / "1").ok());
}

TEST_F(FetchVersionTest, FetchesAWrongPartialFileAgain) {
  const std::string whole = ReadFile(store_.root() / "1" / kFile);
  std::string wrong = whole;
  wrong.back() ^= 1;
  for (const std::string& left :
       {wrong, wrong.substr(1), whole + "more", std::string()}) {
    LeavePart(root_, left);
    const absl::Status status = Fetch(1);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(VerifyVersion(root_ / "1").ok());
    ASSERT_TRUE(RemoveVersion(root_, 1).ok());
  }
}

TEST_F(FetchVersionTest, NeverWritesIntoAFileThatItShares) {
  ASSERT_TRUE(Fetch(1).ok());
  // The leftover of a fetch of another version 2, which had linked the file.
  {
    auto scratch = *ScratchDirectory::Create(root_, kIncoming, 2);
    fs::create_directories(scratch.version_dir());
    fs::create_hard_link(root_ / "1" / kFile,
                         scratch.version_dir() / "taste.users.npy");
    fs::create_hard_link(root_ / "1" / kFile,
                         scratch.version_dir() / "stranger.npy");
    std::move(scratch).Abandon();
  }
  ASSERT_TRUE(Fetch(2).ok());
  EXPECT_TRUE(VerifyVersion(root_ / "1").ok());
  EXPECT_TRUE(VerifyVersion(root_ / "2").ok());
  EXPECT_FALSE(fs::exists(root_ / "2" / "stranger.npy"));
}

TEST_F(FetchVersionTest, LeavesNothingOfABadVersion) {
  Corrupt(store_.root() / "1" / kFile);
  const absl::Status status = Fetch(1);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(kFile));
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(FetchVersionTest, LeavesNothingOfAVersionThatFailsItsCheck) {
  options_.check = [](const fs::path& dir) {
    EXPECT_TRUE(VerifyVersion(dir).ok());
    return absl::InternalError("bad luck");
  };
  const absl::Status status = Fetch(1);
  EXPECT_TRUE(absl::IsInternal(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(store_.root().string() + "/1: bad luck"));
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(FetchVersionTest, ReportsHowMuchSpaceIsMissing) {
  auto manifest = *store_.ReadManifest(1, {});
  const std::string size = "\"sizeBytes\": \"";
  const size_t at = manifest.json.find(size) + size.size();
  manifest.json.insert(at, "1000000000000000");
  const absl::Status status =
      FetchVersion(&store_, 1, manifest, root_, options_);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("needs 1000000000"));
  EXPECT_EQ(store_.files, 2);  // The manifest and its signature.
}

TEST_F(FetchVersionTest, ReadsAtMostTheParallelNumberOfFilesAtOnce) {
  options_.download.set_parallel(2);
  ASSERT_TRUE(Fetch(1).ok());
  EXPECT_LE(store_.most_at_once, 2);
}

TEST_F(FetchVersionTest, EndsWhenStopIsRequested) {
  std::stop_source stop;
  options_.stop = stop.get_token();
  stop.request_stop();
  EXPECT_TRUE(absl::IsCancelled(Fetch(1)));
}

}  // namespace
}  // namespace tributary
