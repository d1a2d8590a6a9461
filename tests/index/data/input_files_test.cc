#include "index/data/input_files.h"

#include <filesystem>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr std::string_view kStems[] = {"interactions", "events", "part"};

class InputFilesTest : public testing::Test {
 protected:
  void Touch(const fs::path& name) {
    fs::create_directories((dir_ / name).parent_path());
    OverwriteFile(dir_ / name, "x");
  }
  static std::vector<std::string> Names(const std::vector<fs::path>& paths) {
    std::vector<std::string> names;
    for (const fs::path& path : paths) names.push_back(path.filename());
    return names;
  }
  absl::StatusOr<std::vector<fs::path>> Find() {
    const auto files = ListDataFiles(dir_);
    if (!files.ok()) return files.status();
    return FindTable(*files, kStems);
  }

  fs::path dir_ = MakeTestDir();
};

TEST_F(InputFilesTest, HiddenFilesAndBackupsAreNoData) {
  for (const char* name :
       {"interactions.csv", "._interactions.csv", ".DS_Store", "items.csv~",
        "#items.csv#", "items.csv.bak", ".items.csv.swp", "_SUCCESS"}) {
    Touch(name);
  }
  EXPECT_THAT(Names(*ListDataFiles(dir_)), ElementsAre("interactions.csv"));
  EXPECT_FALSE(ListDataFiles(dir_ / "absent").ok());
}

TEST_F(InputFilesTest, FilesOfOneTableAreInNaturalOrder) {
  for (const char* name : {"part-10.csv", "part-2.csv.gz", "part-01.tsv",
                           "partners.csv", "part.log"}) {
    Touch(name);
  }
  EXPECT_THAT(Names(*Find()),
              ElementsAre("part-01.tsv", "part-2.csv.gz", "part-10.csv"));
}

TEST_F(InputFilesTest, ADirectoryOfTheTablesNameHoldsItsParts) {
  Touch("events.csv/part-1.csv");
  Touch("events.csv/part-0.csv");
  Touch("events.csv/_SUCCESS");
  EXPECT_THAT(Names(*Find()), ElementsAre("part-0.csv", "part-1.csv"));
}

TEST_F(InputFilesTest, TheMostUsualNameWins) {
  Touch("events.csv");
  Touch("Interactions.CSV");
  const auto table = Find();
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(Names(*table), ElementsAre("Interactions.CSV"));
}

TEST_F(InputFilesTest, OneTableTwiceIsRefused) {
  Touch("events.csv");
  Touch("events.csv.gz");
  EXPECT_THAT(std::string(Find().status().message()),
              HasSubstr("remove one of them"));
  EXPECT_FALSE(FindCompressed(dir_ / "events.csv").ok());
}

TEST_F(InputFilesTest, CompressedFilesStandForPlainOnes) {
  Touch("a.csv.zst");
  EXPECT_EQ(*FindCompressed(dir_ / "a.csv"), dir_ / "a.csv.zst");
  EXPECT_EQ(*FindCompressed(dir_ / "b.csv"), dir_ / "b.csv");
  EXPECT_EQ(PlainName("x/a.inter.gz"), "a.inter");
  EXPECT_TRUE(IsRecBole("x/a.inter.gz"));
  EXPECT_FALSE(IsRecBole("x/a.csv"));
}

TEST_F(InputFilesTest, JsonIsRefusedWithTheCallThatConvertsIt) {
  Touch("events.jsonl");
  EXPECT_THAT(std::string(Find().status().message()), HasSubstr("read_json"));
}

TEST_F(InputFilesTest, WhatCannotBeLookedAtIsNotAbsent) {
  Touch("file");
  // A path below a file is absent; one too long to be looked at is an error.
  EXPECT_FALSE(FileExists(dir_ / std::string(300, 'x')).ok());
  EXPECT_FALSE(*FileExists(dir_ / "absent"));
  EXPECT_TRUE(*FileExists(dir_ / "file"));
}

}  // namespace
}  // namespace tributary
