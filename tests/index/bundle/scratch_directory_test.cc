#include "index/bundle/scratch_directory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "fmt/core.h"
#include "index/bundle/file_lock.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

TEST(ScratchDirectory, AdoptsAnAbandonedDirectory) {
  const fs::path root = MakeTestDir();
  auto first = ScratchDirectory::Create(root, kIncoming, 2);
  ASSERT_TRUE(first.ok()) << first.status();
  OverwriteFile(first->path() / "half", "x");
  const fs::path path = first->path();
  std::move(*first).Abandon();
  // Destroying the object releases the lock.
  { const ScratchDirectory gone = *std::move(first); }
  EXPECT_NE(ScratchDirectory::AdoptOrCreate(root, kIncoming, 3)->path(), path);
  EXPECT_NE(ScratchDirectory::AdoptOrCreate(root, kRemoved, 2)->path(), path);
  const auto second = ScratchDirectory::AdoptOrCreate(root, kIncoming, 2);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->path(), path);
  EXPECT_TRUE(fs::exists(path / "half"));
}

TEST(ScratchDirectory, DoesNotAdoptOneThatIsInUse) {
  const fs::path root = MakeTestDir();
  const auto first = ScratchDirectory::Create(root, kIncoming, 2);
  const auto second = ScratchDirectory::AdoptOrCreate(root, kIncoming, 2);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_NE(second->path(), first->path());
}

// A process that opens the lock file just before it is removed must not come
// to hold the lock of a new one.
TEST(ScratchDirectory, IsNotTakenFromTheProcessThatCreatedIt) {
  const fs::path root = MakeTestDir();
  std::atomic<int> lost = 0;
  {
    std::vector<std::jthread> makers;
    for (int i = 0; i < 4; ++i) {
      makers.emplace_back([&] {
        for (int n = 0; n < 100; ++n) {
          RemoveLeftovers(root).IgnoreError();
          const auto scratch = ScratchDirectory::Create(root, kIncoming, 1);
          ASSERT_TRUE(scratch.ok()) << scratch.status();
          std::error_code error;
          fs::create_directory(scratch->version_dir(), error);
          for (int file = 0; file < 20; ++file) {
            OverwriteFile(scratch->version_dir() / std::to_string(file), "x");
          }
          for (int file = 0; file < 20; ++file) {
            const auto path = scratch->version_dir() / std::to_string(file);
            lost += !fs::exists(path, error);
          }
        }
      });
    }
  }
  EXPECT_EQ(lost, 0);
}

TEST(RemoveLeftovers, SparesIncomingFilesOfOneVersion) {
  const fs::path root = MakeTestDir();
  for (const char* name :
       {".incoming-2-99-0", ".incoming-22-99-0", ".removed-2-99-0"}) {
    fs::create_directory(root / name);
  }
  ASSERT_TRUE(RemoveLeftovers(root, 2).ok());
  EXPECT_TRUE(fs::exists(root / ".incoming-2-99-0"));
  EXPECT_EQ(std::distance(fs::directory_iterator(root), {}), 1);
}

TEST(RemoveLeftovers, RemovesLeftoversOfBuildsCopiesAndDeletions) {
  const fs::path root = MakeTestDir();
  const fs::path bundle = WriteTinyBundle(root, 1);
  for (const char* name :
       {".building-2-99-0", ".incoming-2-99-0", ".removed-3-99-0"}) {
    fs::create_directory(root / name);
    OverwriteFile(root / name / "lock", "");
    fs::copy(bundle, root / name / "2");
  }
  fs::create_directory(root / ".incoming-4-99-0");
  ASSERT_TRUE(RemoveLeftovers(root).ok());
  EXPECT_EQ(std::distance(fs::directory_iterator(root), {}), 1);
  EXPECT_TRUE(fs::exists(bundle));
}

TEST(RemoveLeftovers, RemovesValidationBundlesOfBuildsThatWereKilled) {
  const fs::path root = MakeTestDir();
  // The names of programs before 1.0 end in a process id; nobody has the first.
  const std::string in_use = fmt::format(".trial-1-{}", ::getpid());
  for (const std::string& name : {std::string(".validation-2-99-0"),
                                  std::string(".trial-3-999999999"), in_use}) {
    fs::create_directories(root / name / "2");
  }
  ASSERT_TRUE(RemoveLeftovers(root).ok());
  EXPECT_EQ(std::distance(fs::directory_iterator(root), {}), 1);
  EXPECT_TRUE(fs::exists(root / in_use));
}

TEST(RemoveLeftovers, LeavesACopyInProgressAlone) {
  const fs::path root = MakeTestDir();
  {
    const auto scratch = ScratchDirectory::Create(root, kIncoming, 1);
    ASSERT_TRUE(scratch.ok()) << scratch.status();
    fs::create_directory(scratch->version_dir());
    ASSERT_TRUE(RemoveLeftovers(root).ok());
    EXPECT_TRUE(fs::exists(scratch->version_dir()));
  }
  EXPECT_TRUE(fs::is_empty(root));
}

TEST(RemoveLeftovers, LeavesOtherHiddenFilesAlone) {
  const fs::path root = MakeTestDir();
  OverwriteFile(root / ".loader.lock", "");
  fs::create_directory(root / ".snapshots");
  ASSERT_TRUE(RemoveLeftovers(root).ok());
  EXPECT_TRUE(fs::exists(root / ".loader.lock"));
  EXPECT_TRUE(fs::exists(root / ".snapshots"));
}

TEST(FileLock, IsHeldByOneAtATime) {
  const fs::path path = MakeTestDir() / "lock";
  {
    const auto held = FileLock::TryAcquire(path);
    ASSERT_TRUE(held.ok()) << held.status();
    EXPECT_TRUE(absl::IsUnavailable(FileLock::TryAcquire(path).status()));
  }
  EXPECT_TRUE(FileLock::TryAcquire(path).ok());
}

// What ends the process of the test is done in a child.
void RemoveOwnInChild(const fs::path& root) {
  auto building = ScratchDirectory::Create(root, kBuilding, 1);
  auto kept = ScratchDirectory::Create(root, kIncoming, 2);
  if (!building.ok() || !kept.ok()) std::_Exit(2);
  OverwriteFile(building->path() / "half", "x");
  std::move(*kept).Abandon();
  RemoveOwnScratchDirectories();
  // Nor are new ones left, whatever other threads do until the process ends.
  const bool cancelled =
      absl::IsCancelled(ScratchDirectory::Create(root, kBuilding, 3).status());
  std::_Exit(cancelled ? 0 : 3);
}

TEST(ScratchDirectory, OwnOnesCanBeRemovedBeforeTheProcessEnds) {
  const fs::path root = MakeTestDir();
  EXPECT_EXIT(RemoveOwnInChild(root), testing::ExitedWithCode(0), "");
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(root)) {
    left.push_back(entry.path().filename());
  }
  ASSERT_EQ(left.size(), 1);
  EXPECT_TRUE(left[0].starts_with(kIncoming)) << left[0];
}

}  // namespace
}  // namespace tributary
