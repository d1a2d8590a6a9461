#include "index/publish/shared_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "index/bundle/bundle.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

v1::FileEntry FindFile(const fs::path& dir, const std::string& name) {
  const auto manifest = ParseManifest(ReadFile(dir / kManifestName));
  for (const v1::FileEntry& file : manifest->files()) {
    if (file.name() == name) return file;
  }
  return {};
}

class SharedFilesTest : public testing::Test {
 protected:
  const fs::path root_ = MakeTestDir();
  const fs::path dir_ = WriteTinyBundle(root_, 1);
  const v1::FileEntry file_ = FindFile(dir_, "taste.items.npy");
  const fs::path to_ = MakeTestDir() / "to";
  const fs::path scratch_ = MakeTestDir() / "scratch";
};

TEST_F(SharedFilesTest, AreLinked) {
  const SharedFiles shared(root_);
  EXPECT_TRUE(shared.Has(file_));
  ASSERT_TRUE(shared.Share(file_, to_, scratch_));
  EXPECT_TRUE(fs::equivalent(to_, dir_ / file_.name()));
}

// /dev/shm, if it exists, is on another file system.
TEST_F(SharedFilesTest, AreCopiedWhereLinkingFails) {
  const fs::path other =
      fs::path("/dev/shm") / fs::path(root_).relative_path().filename();
  std::error_code error;
  fs::create_directories(other, error);
  struct stat here;
  struct stat there;
  if (error || ::stat(root_.c_str(), &here) != 0 ||
      ::stat(other.c_str(), &there) != 0 || here.st_dev == there.st_dev) {
    GTEST_SKIP() << "/dev/shm is not on another file system";
  }
  EXPECT_TRUE(SharedFiles(root_).Share(file_, other / "to", other / "scratch"));
  EXPECT_TRUE(HasContent(other / "to", file_));
  EXPECT_FALSE(fs::exists(other / "scratch"));
  fs::remove_all(other);
}

TEST_F(SharedFilesTest, AreNotThoseWithChangedBytes) {
  std::string contents = ReadFile(dir_ / file_.name());
  contents.back() ^= 1;
  OverwriteFile(dir_ / file_.name(), contents);
  EXPECT_FALSE(SharedFiles(root_).Share(file_, to_, scratch_));
  EXPECT_FALSE(fs::exists(to_));
}

TEST_F(SharedFilesTest, AreNotSymbolicLinks) {
  const fs::path elsewhere = MakeTestDir() / "file";
  fs::rename(dir_ / file_.name(), elsewhere);
  fs::create_symlink(elsewhere, dir_ / file_.name());
  EXPECT_FALSE(SharedFiles(root_).Share(file_, to_, scratch_));
  EXPECT_FALSE(fs::exists(fs::symlink_status(to_)));
}

TEST_F(SharedFilesTest, AreThoseOfAnotherVersionIfOneIsDamaged) {
  const fs::path second = WriteTinyBundle(root_, 2);
  OverwriteFile(dir_ / file_.name(), "");
  ASSERT_TRUE(SharedFiles(root_).Share(file_, to_, scratch_));
  EXPECT_TRUE(fs::equivalent(to_, second / file_.name()));
}

TEST_F(SharedFilesTest, IgnoreAVersionWhoseManifestCannotBeRead) {
  WriteTinyBundle(root_, 2);
  OverwriteFile(dir_ / kManifestName, "{");
  EXPECT_TRUE(SharedFiles(root_).Share(file_, to_, scratch_));
}

}  // namespace
}  // namespace tributary
