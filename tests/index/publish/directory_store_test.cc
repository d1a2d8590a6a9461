// Publishing from a directory to a directory store, and reading from it.
#include "index/publish/directory_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "index/bundle/version_directory.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/publish/publish_to.h"

namespace tributary {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

std::vector<std::string> Names(const fs::path& dir) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir)) {
    names.push_back(entry.path().filename());
  }
  return names;
}

// Changes the last byte of the file. A second call undoes the first.
void Corrupt(const fs::path& path) {
  std::string contents = ReadFile(path);
  contents.back() ^= 1;
  OverwriteFile(path, contents);
}

absl::Status Put(const fs::path& from, const fs::path& root) {
  return DirectoryStore(root).PutVersion(from, std::nullopt, {});
}

TEST(PutVersion, CopiesTheFilesOfTheManifestByteForByte) {
  const fs::path from = WriteTinyBundle(MakeTestDir(), 3);
  OverwriteFile(from / "notes.txt", "not of the bundle");
  OverwriteFile(from / "manifest.sig", std::string(64, 's'));
  const fs::path root = MakeTestDir();
  const auto status = Put(from, root);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(Names(root), ElementsAre("3"));
  EXPECT_FALSE(fs::exists(root / "3" / "notes.txt"));
  fs::remove(from / "notes.txt");
  EXPECT_EQ(Names(root / "3").size(), Names(from).size());
  for (const std::string& name : Names(from)) {
    EXPECT_EQ(ReadFile(root / "3" / name), ReadFile(from / name)) << name;
  }
}

TEST(PutVersion, CreatesTheRoot) {
  const fs::path root = MakeTestDir() / "new" / "store";
  ASSERT_TRUE(Put(WriteTinyBundle(MakeTestDir(), 3), root).ok());
  EXPECT_THAT(*ListVersions(root), ElementsAre(3));
}

TEST(PutVersion, AcceptsAnyPathToADirectory) {
  const fs::path from = MakeTestDir();
  WriteTinyBundle(from, 3);
  fs::create_directory_symlink(from / "3", from / "latest");
  EXPECT_TRUE(Put(from / "3" / "", MakeTestDir()).ok());
  EXPECT_TRUE(Put(from / "latest", MakeTestDir()).ok());
}

TEST(PutVersion, OfTheSameVersionAgainDoesNothing) {
  const fs::path from = WriteTinyBundle(MakeTestDir(), 3);
  const fs::path root = MakeTestDir();
  ASSERT_TRUE(Put(from, root).ok());
  const auto written = fs::last_write_time(root / "3");
  EXPECT_TRUE(Put(from, root).ok());
  EXPECT_EQ(fs::last_write_time(root / "3"), written);
}

TEST(PutVersion, DoesNotReplaceAVersionByAnother) {
  const fs::path root = MakeTestDir();
  WriteTinyBundle(root, 3);
  const std::string manifest = ReadFile(root / "3" / "manifest.json");
  const fs::path from = WriteTinyBundle(MakeTestDir(), 3);
  OverwriteFile(from / "manifest.json", manifest + "\n");
  const auto status = Put(from, root);
  EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
  EXPECT_EQ(ReadFile(root / "3" / "manifest.json"), manifest);
}

TEST(PutVersion, DoesNotTouchADirectoryThatIsNoBundle) {
  const fs::path root = MakeTestDir();
  fs::create_directory(root / "3");
  const auto status = Put(WriteTinyBundle(MakeTestDir(), 3), root);
  EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
  EXPECT_TRUE(fs::is_empty(root / "3"));
}

TEST(PutVersion, RefusesAChangedByteInAnyFile) {
  const fs::path from = WriteTinyBundle(MakeTestDir(), 3);
  for (const std::string& name : Names(from)) {
    if (name == "manifest.json") continue;
    const fs::path root = MakeTestDir();
    Corrupt(from / name);
    const auto status = Put(from, root);
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(name));
    EXPECT_THAT(std::string(status.message()), HasSubstr(from.string()));
    EXPECT_THAT(Names(root), IsEmpty());
    Corrupt(from / name);
  }
}

TEST(PutVersion, NamesTheMissingFile) {
  const fs::path from = WriteTinyBundle(MakeTestDir(), 3);
  fs::remove(from / "seen.rows.npy");
  const auto status = Put(from, MakeTestDir());
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("seen.rows.npy"));
}

TEST(PutVersion, RefusesSymlinks) {
  const fs::path from = WriteTinyBundle(MakeTestDir(), 3);
  const fs::path elsewhere = MakeTestDir() / "rows";
  for (const std::string name : {"seen.rows.npy", "manifest.json"}) {
    fs::rename(from / name, elsewhere);
    fs::create_symlink(elsewhere, from / name);
    const auto status = Put(from, MakeTestDir());
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(name));
    fs::remove(from / name);
    fs::rename(elsewhere, from / name);
  }
}

TEST(PutVersion, RefusesADirectoryNotNamedByItsVersion) {
  const fs::path store = MakeTestDir();
  WriteTinyBundle(store, 3);
  fs::rename(store / "3", store / "4");
  const fs::path root = MakeTestDir();
  EXPECT_TRUE(absl::IsDataLoss(Put(store / "4", root)));
  EXPECT_THAT(*ListVersions(root), IsEmpty());
}

TEST(PutVersion, IsNotFoundWithoutDirectoryOrManifest) {
  const fs::path from = WriteTinyBundle(MakeTestDir(), 3);
  fs::remove(from / "manifest.json");
  EXPECT_TRUE(absl::IsNotFound(Put(from, MakeTestDir())));
  fs::remove_all(from);
  EXPECT_TRUE(absl::IsNotFound(Put(from, MakeTestDir())));
}

TEST(PutVersion, BySeveralAtOnceSucceedsForAll) {
  const fs::path from = WriteTinyBundle(MakeTestDir(), 3);
  const fs::path root = MakeTestDir();
  std::vector<absl::Status> statuses(4);
  {
    std::vector<std::jthread> threads;
    for (absl::Status& status : statuses) {
      threads.emplace_back([&] { status = Put(from, root); });
    }
  }
  for (const absl::Status& status : statuses)
    EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(Names(root), ElementsAre("3"));
}

TEST(PutVersion, IsNotBlockedByALeftover) {
  const fs::path from = WriteTinyBundle(MakeTestDir(), 3);
  const fs::path root = MakeTestDir();
  // The leftover of a process with the same id.
  const std::string name = ".incoming-3-" + std::to_string(::getpid()) + "-0";
  fs::create_directories(root / name / "3");
  OverwriteFile(root / name / "3" / "items.keys.utf8", "half");
  ASSERT_TRUE(Put(from, root).ok());
  EXPECT_THAT(*ListVersions(root), ElementsAre(3));
}

TEST(Publish, MovesCurrentToTheVersion) {
  const fs::path store = MakeTestDir() / "store";
  ASSERT_TRUE(PublishTo(WriteTinyBundle(MakeTestDir(), 3), store).ok());
  EXPECT_EQ(*ReadCurrent(store), 3);
  ASSERT_TRUE(PublishTo(WriteTinyBundle(MakeTestDir(), 4), store).ok());
  EXPECT_EQ(*ReadCurrent(store), 4);
  EXPECT_THAT(*ListVersions(store), ElementsAre(3, 4));
}

TEST(Publish, OfAnOlderVersionMovesCurrentBack) {
  const fs::path store = MakeTestDir();
  const fs::path from = MakeTestDir();
  ASSERT_TRUE(PublishTo(WriteTinyBundle(from, 3), store).ok());
  ASSERT_TRUE(PublishTo(WriteTinyBundle(from, 4), store).ok());
  ASSERT_TRUE(PublishTo(from / "3", store).ok());
  EXPECT_EQ(*ReadCurrent(store), 3);
}

TEST(Publish, KeepsCurrentWhenTheBundleIsBad) {
  const fs::path store = MakeTestDir();
  ASSERT_TRUE(PublishTo(WriteTinyBundle(MakeTestDir(), 3), store).ok());
  const fs::path bad = WriteTinyBundle(MakeTestDir(), 4);
  Corrupt(bad / "taste.items.npy");
  EXPECT_TRUE(absl::IsDataLoss(PublishTo(bad, store)));
  EXPECT_EQ(*ReadCurrent(store), 3);
  EXPECT_THAT(*ListVersions(store), ElementsAre(3));
}

TEST(Publish, RemovesTheLeftoversOfAPublishThatWasKilled) {
  const fs::path store = MakeTestDir();
  fs::create_directories(store / ".incoming-2-99-0" / "2");
  ASSERT_TRUE(PublishTo(WriteTinyBundle(MakeTestDir(), 3), store).ok());
  EXPECT_FALSE(fs::exists(store / ".incoming-2-99-0"));
}

}  // namespace
}  // namespace tributary
