#include "index/bundle/version_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <string>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

TEST(Current, IsTheLastVersionWritten) {
  const fs::path root = MakeTestDir();
  ASSERT_TRUE(WriteCurrent(root, 7).ok());
  ASSERT_TRUE(WriteCurrent(root, 18446744073709551615u).ok());
  EXPECT_EQ(*ReadCurrent(root), 18446744073709551615u);
  EXPECT_EQ(ReadFile(root / "CURRENT"), "18446744073709551615\n");
}

TEST(Current, LeavesNothingBesideIt) {
  const fs::path root = MakeTestDir();
  ASSERT_TRUE(WriteCurrent(root, 7).ok());
  EXPECT_EQ(std::distance(fs::directory_iterator(root), {}), 1);
}

TEST(Current, IsZeroWithoutTheFile) {
  EXPECT_EQ(*ReadCurrent(MakeTestDir()), 0);
}

TEST(Current, OfAMissingDirectoryIsAnError) {
  EXPECT_TRUE(absl::IsNotFound(ReadCurrent(MakeTestDir() / "no").status()));
}

TEST(Current, MayLackItsNewline) {
  const fs::path root = MakeTestDir();
  OverwriteFile(root / "CURRENT", "12");
  EXPECT_EQ(*ReadCurrent(root), 12);
}

TEST(Current, IsDataLossUnlessItHoldsAVersion) {
  const fs::path root = MakeTestDir();
  for (const std::string text :
       {"", "\n", "0\n", "-1\n", "07\n", "1 \n", "1\n2\n", "v1\n", "1\r\n",
        "18446744073709551616\n", "1111111111111111111111111111111111111\n"}) {
    OverwriteFile(root / "CURRENT", text);
    const auto current = ReadCurrent(root);
    EXPECT_TRUE(absl::IsDataLoss(current.status())) << text;
    EXPECT_THAT(std::string(current.status().message()),
                HasSubstr((root / "CURRENT").string()));
  }
}

TEST(ListVersions, IsAscendingByNumber) {
  const fs::path root = MakeTestDir();
  for (const uint64_t version : {10, 9, 100}) WriteTinyBundle(root, version);
  EXPECT_THAT(*ListVersions(root), ElementsAre(9, 10, 100));
}

TEST(ListVersions, IgnoresOtherNames) {
  const fs::path root = MakeTestDir();
  const fs::path bundle = WriteTinyBundle(root, 1);
  for (const char* name : {"0", "02", "2x", "+3", ".incoming-4-1-0", "v5"}) {
    fs::copy(bundle, root / name);
  }
  fs::create_directory(root / "6");
  OverwriteFile(root / "7", "a file");
  fs::create_directories(root / "8" / "manifest.json");
  ASSERT_TRUE(WriteCurrent(root, 1).ok());
  EXPECT_THAT(*ListVersions(root), ElementsAre(1));
}

TEST(ListVersions, OfAMissingDirectoryIsAnError) {
  EXPECT_TRUE(absl::IsNotFound(ListVersions(MakeTestDir() / "no").status()));
}

TEST(RemoveVersion, RemovesOnlyThatVersion) {
  const fs::path root = MakeTestDir();
  WriteTinyBundle(root, 1);
  WriteTinyBundle(root, 2);
  ASSERT_TRUE(RemoveVersion(root, 1).ok());
  EXPECT_THAT(*ListVersions(root), ElementsAre(2));
  EXPECT_EQ(std::distance(fs::directory_iterator(root), {}), 1);
}

TEST(RemoveVersion, OfAMissingVersionIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(RemoveVersion(MakeTestDir(), 1)));
}

}  // namespace
}  // namespace tributary
