// Versions whose files are symbolic links, as in mounted volumes.
#include "index/bundle/link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "index/bundle/bundle.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

// Makes root/5 a directory of links to `files`, which holds a version's files.
void LinkAll(const fs::path& root, const fs::path& files,
             const std::string& prefix) {
  fs::create_directory(root / "5");
  for (const auto& file : fs::directory_iterator(files)) {
    const std::string name = file.path().filename().string();
    fs::create_symlink(prefix + name, root / "5" / name);
  }
}

TEST(CheckLink, FollowsLinksWithinTheMount) {
  const fs::path root = MakeTestDir();
  fs::rename(WriteTinyBundle(root, 5), root / "..2024_05_01");
  fs::create_directory_symlink("..2024_05_01", root / "..data");
  LinkAll(root, root / "..2024_05_01", "../..data/");
  const auto bundle = Bundle::Open(root / "5");
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_EQ((*bundle)->items().size(), 6);
}

TEST(CheckLink, FollowsAVersionThatIsItselfALink) {
  const fs::path elsewhere = MakeTestDir();
  fs::rename(WriteTinyBundle(elsewhere, 5), elsewhere / "bytes");
  LinkAll(elsewhere, elsewhere / "bytes", "../bytes/");
  const fs::path root = MakeTestDir();
  fs::create_directory_symlink(elsewhere / "5", root / "5");
  const auto bundle = Bundle::Open(root / "5");
  EXPECT_TRUE(bundle.ok()) << bundle.status();
}

TEST(CheckLink, RefusesLinksThatLeaveTheMount) {
  const fs::path elsewhere = MakeTestDir();
  const fs::path files = WriteTinyBundle(elsewhere, 5);
  const fs::path root = MakeTestDir();
  LinkAll(root, files, files.string() + "/");
  const absl::Status status = Bundle::Open(root / "5").status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              testing::AllOf(HasSubstr("a symbolic link to " + files.string()),
                             HasSubstr("outside")));
}

TEST(CheckLink, SaysThatALinkLeadsNowhere) {
  const fs::path dir = WriteTinyBundle(MakeTestDir(), 5);
  fs::remove(dir / "seen.rows.npy");
  fs::create_symlink("gone", dir / "seen.rows.npy");
  EXPECT_THAT(std::string(Bundle::Open(dir).status().message()),
              HasSubstr("a symbolic link that cannot be followed"));
}

}  // namespace
}  // namespace tributary
