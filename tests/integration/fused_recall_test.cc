// The promise of fusion, on whole data sets: a fused list of 500 is, at each of
// its prefixes, at least as good as the best source alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "fmt/core.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/process.h"

namespace tributary {
namespace {

// Near what the two-tower would choose for both, which takes longer than
// the rest.
constexpr char kConfig[] = R"(
behavior:
  history: {dim: 64, epochs: 22, dropout: 0.5, weight_decay: 2, decay: 0,
            cut_share: 0, dropped_targets: false}
)";

// Builds a bundle from 80% of the data and returns what `tributary eval` says
// of it on the rest.
google::protobuf::Struct EvaluateOn(const std::string& data) {
  const auto dir = MakeTestDir();
  const std::string test_file = dir / "test.inter";
  const std::string json_file = dir / "recall.json";
  const std::string config_file = dir / "build.yaml";
  OverwriteFile(config_file, kConfig);
  const Outcome built =
      RunProgram({Program("tributary"), "build", "--data", data, "--out", dir,
                  "--version", "1", "--holdout", "0.2", "--test-out", test_file,
                  "--config", config_file});
  EXPECT_EQ(built.exit_status, 0) << built.output;
  const Outcome judged =
      RunProgram({Program("tributary"), "eval", "--bundle", dir / "1", "--test",
                  test_file, "--json", json_file});
  EXPECT_EQ(judged.exit_status, 0) << judged.output;
  fmt::print("{}\n{}", data, judged.output);
  google::protobuf::Struct figures;
  EXPECT_TRUE(
      google::protobuf::util::JsonStringToMessage(ReadFile(json_file), &figures)
          .ok());
  std::filesystem::remove_all(dir);
  return figures;
}

// Approximate search decides on so much. On synthetic data, where a list of 500
// is a tenth of the catalogue, fused and behavior are as good as each other.
constexpr double kTie = 0.0005;

void ExpectFusedAtOrAboveEverySource(const google::protobuf::Struct& figures) {
  const auto& recall = figures.fields().at("recall").struct_value().fields();
  ASSERT_TRUE(recall.contains("fused"));
  ASSERT_GE(recall.size(), 4);
  for (const char* k : {"20", "50", "100", "200", "500"}) {
    const double fused =
        recall.at("fused").struct_value().fields().at(k).number_value();
    for (const auto& [source, values] : recall) {
      EXPECT_GE(fused + kTie,
                values.struct_value().fields().at(k).number_value())
          << source << "@" << k;
    }
  }
}

TEST(FusedRecall, OnSyntheticDataNoSourceIsBetterAtAnyPrefix) {
  ExpectFusedAtOrAboveEverySource(EvaluateOn("synthetic"));
}

TEST(FusedRecall, OnDebianNoSourceIsBetterAtAnyPrefix) {
  if (RunProgram({"sh", "-c",
                  "apt-cache dumpavail | grep -c ^Package: | "
                  "awk '{exit $1 < 10000}'"})
          .exit_status != 0) {
    GTEST_SKIP() << "this machine has no package index: run apt-get update";
  }
  ExpectFusedAtOrAboveEverySource(EvaluateOn("debian"));
}

}  // namespace
}  // namespace tributary
