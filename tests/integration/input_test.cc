// Data as newcomers bring it, through the programs: what `build` says of it,
// and that the bundle is accepted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/data/compressed.h"
#include "tests/index/data/data_files.h"
#include "tests/integration/process.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr int kUsers = 24;
constexpr int kItems = 30;

Outcome Tributary(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), Program("tributary"));
  return RunProgram(arguments);
}

// Records of a shop: each user bought six items, one a day.
std::string Purchases(std::string_view header, std::string_view separator) {
  std::string text(header);
  for (int user = 0; user < kUsers; ++user) {
    for (int i = 0; i < 6; ++i) {
      text +=
          fmt::format("kunde-{1}{0}sku-{2}{0}2026-03-{3:02} 10:00:00{0}{4}\n",
                      separator, user, (user * 7 + i * i) % kItems,
                      1 + i + user % 20, 1 + (user + i) % 3);
    }
  }
  return text;
}

class InputTest : public testing::Test {
 protected:
  void Write(std::string_view name, std::string_view text) {
    OverwriteFile(dir_ / name, text);
  }
  Outcome Build(std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), {"build", "--data", "csv:" + dir_.string(),
                                 "--out", dir_ / "out"});
    return Tributary(flags);
  }
  // Builds, verifies and reads the bundle's sizes.
  void ExpectBundle(std::vector<std::string> flags = {}) {
    const Outcome built = Build(flags);
    ASSERT_EQ(built.exit_status, 0) << built.output;
    const std::string bundle =
        (dir_ / "out" / std::to_string(++built_)).string();
    EXPECT_EQ(Tributary({"verify", bundle}).output, "ok\n");
    const Outcome shown = Tributary({"inspect", bundle});
    EXPECT_THAT(shown.output,
                AllOf(ContainsRegex(fmt::format("items +{} ", kItems)),
                      ContainsRegex(fmt::format("users +{} ", kUsers))));
  }

  std::filesystem::path dir_ = MakeTestDir();
  int built_ = 0;
};

TEST_F(InputTest, FilesOfManyFormsBuildAndVerify) {
  Write("interactions.csv", Purchases("customer_id;sku;ordered_at;qty\n", ";"));
  ExpectBundle();
  std::filesystem::remove(dir_ / "interactions.csv");
  Write("orders.tsv.gz",
        Gzip(Purchases("Customer Id\tSKU\tOrder Date\tQuantity\n", "\t")));
  ExpectBundle();
  std::filesystem::remove(dir_ / "orders.tsv.gz");
  Write("part-1.csv.zst", Zstd(Purchases("user,item,time,count\n", ",")));
  Write("._part-1.csv", "junk");
  ExpectBundle();
  // Names that nothing tells, and a name in Windows-1252.
  std::filesystem::remove(dir_ / "part-1.csv.zst");
  Write("interactions.csv", Purchases("k\xE4ufer|ding|wann|zahl\n", "|"));
  ExpectBundle({"--columns", "user=käufer,item=ding,time=wann,value=zahl"});
}

TEST_F(InputTest, ADryRunSaysWhatIsUnderstoodAndWritesNothing) {
  Write("interactions.csv", Purchases("user,item,time,campaign\n", ","));
  Write("items.csv", "item,title\nsku-0,Lamp\n");
  const Outcome shown =
      Tributary({"build", "--data", "csv:" + dir_.string(), "--dry-run"});
  EXPECT_EQ(shown.exit_status, 0) << shown.output;
  EXPECT_THAT(
      shown.output,
      AllOf(
          HasSubstr("interactions.csv: 144 records, ASCII, separated by comma"),
          ContainsRegex("user +user +\"kunde-0\""),
          ContainsRegex("time +time .*ISO 8601"),
          ContainsRegex("campaign +ignored"),
          HasSubstr("24 users (keys are text)"),
          ContainsRegex("warning: .*items.csv: .* have an item that this "
                        "table lacks")));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "out"));
  const Outcome json = Tributary(
      {"build", "--data", "csv:" + dir_.string(), "--dry-run", "--json"});
  EXPECT_THAT(json.output, AllOf(HasSubstr("\"understood\": ["),
                                 HasSubstr("\"malformedLines\": 0")));
  const Outcome strict = Tributary(
      {"build", "--data", "csv:" + dir_.string(), "--dry-run", "--strict"});
  EXPECT_EQ(strict.exit_status, 1);
  EXPECT_THAT(strict.output, HasSubstr("which --strict makes errors"));
}

TEST_F(InputTest, ErrorsNameTheColumnAndTheRemedy) {
  Write("interactions.csv", Purchases("wer,was,wann,zahl\n", ","));
  EXPECT_THAT(Build().output,
              AllOf(HasSubstr("no column is known as the user; there are "
                              "\"wer\", \"was\", \"wann\", \"zahl\""),
                    HasSubstr("--columns user=COLUMN")));
  Write("interactions.csv", "user,item,time\nu,i,31.12.2025\n");
  EXPECT_THAT(Build().output, HasSubstr("--input.time_format"));
  const Outcome stated =
      Build({"--dry-run", "--input.time_format", "%d.%m.%Y"});
  EXPECT_EQ(stated.exit_status, 0) << stated.output;
  EXPECT_THAT(Build({"--columns", "user"}).output,
              HasSubstr("expected ROLE=COLUMN"));
  EXPECT_THAT(Tributary({"build", "--data", "csv:" + dir_.string()}).output,
              HasSubstr("--out is required"));
}

TEST_F(InputTest, VectorsOfOthersBecomeOneMoreSource) {
  Write("interactions.csv", Purchases("user,item,time,qty\n", ","));
  const auto vectors = dir_ / "clip";
  std::filesystem::create_directories(vectors);
  std::vector<float> values;
  std::string ids;
  for (int i = 0; i < kItems - 2; ++i) {
    values.insert(values.end(), {1.0F + i, 2.0F * (i % 5), 3});
    ids += fmt::format("sku-{}\n", i);
  }
  WriteMatrix(vectors / "clip.items.npy", values, 3);
  OverwriteFile(vectors / "items.ids.txt", ids);
  ExpectBundle({"--vectors", vectors, "--input.metric", "cosine"});
  EXPECT_THAT(Tributary({"inspect", dir_ / "out" / "1"}).output,
              AllOf(HasSubstr("clip"), HasSubstr("behavior")));
}

}  // namespace
}  // namespace tributary
