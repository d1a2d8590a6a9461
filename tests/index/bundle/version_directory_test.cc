#include "index/bundle/version_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

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

TEST(ListPassedOver, NamesDirectoriesThatAreNoVersions) {
  const fs::path root = MakeTestDir();
  WriteTinyBundle(root, 7);
  for (const char* name : {"007", "v7", "7.1", "2024-05-01", "7 (copy)", "0"}) {
    fs::create_directory(root / name);
  }
  fs::create_directory(root / "8");
  fs::create_directory(root / ".incoming-9-1-0");
  OverwriteFile(root / "notes", "no directory");
  std::vector<std::string> names;
  for (const PassedOver& other : ListPassedOver(root)) {
    names.push_back(other.name);
    EXPECT_THAT(other.reason, HasSubstr(other.name == "8" ? "no manifest.json"
                                                          : "whole number"))
        << other.name;
  }
  EXPECT_THAT(names, ElementsAre("0", "007", "2024-05-01", "7 (copy)", "7.1",
                                 "8", "v7"));
  EXPECT_TRUE(ListPassedOver(root / "none").empty());
}

TEST(CheckVersionsRoot, TellsABundleFromADirectoryOfVersions) {
  const fs::path root = MakeTestDir();
  const fs::path bundle = WriteTinyBundle(root, 3);
  EXPECT_TRUE(CheckVersionsRoot("bundles", root).ok());
  EXPECT_TRUE(CheckVersionsRoot("bundles", root / "none").ok());
  for (const std::string& dir : {bundle.string(), bundle.string() + "/"}) {
    const absl::Status status = CheckVersionsRoot("bundles", dir);
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_THAT(std::string(status.message()),
                testing::AllOf(testing::StartsWith("bundles: "),
                               testing::EndsWith(": " + root.string())));
  }
}

TEST(HintOfVersions, NamesTheVersionsOfADirectoryWithoutAManifest) {
  const fs::path root = MakeTestDir();
  EXPECT_EQ(HintOfVersions(root), "");
  const fs::path bundle = WriteTinyBundle(root, 3);
  EXPECT_EQ(HintOfVersions(bundle), "");
  EXPECT_THAT(HintOfVersions(root), HasSubstr("holds 1 version (3)"));
  for (const uint64_t version : {4, 5, 6}) WriteTinyBundle(root, version);
  EXPECT_THAT(HintOfVersions(root),
              HasSubstr("holds 4 versions (..., 4, 5, 6)"));
  EXPECT_THAT(HintOfVersions(root), testing::EndsWith((root / "6").string()));
  // Who opens the directory as a bundle hears it.
  EXPECT_THAT(std::string(Bundle::Open(root).status().message()),
              HasSubstr("holds 4 versions"));
}

TEST(NextVersion, IsAnErrorAboveTheHighestNumber) {
  const fs::path root = MakeTestDir();
  WriteTinyBundle(root, 18446744073709551614u);
  EXPECT_EQ(*NextVersion(root), 18446744073709551615u);
  WriteTinyBundle(root, 18446744073709551615u);
  EXPECT_TRUE(absl::IsOutOfRange(NextVersion(root).status()));
}

}  // namespace
}  // namespace tributary
