// docs/recall.md: sources at chance stay at chance however they are fused,
// and the same data do not when they are trained on and projected rightly.
#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/process.h"

namespace tributary {
namespace {

// Near what the two-tower would choose, which takes longer than the rest.
constexpr char kConfig[] = R"(
behavior:
  history: {epochs: 30, dropout: 0.5, weight_decay: 2, dropped_targets: false}
)";

// Recall@500 by source of what `tributary build` makes of `data`.
google::protobuf::Map<std::string, google::protobuf::Value> RecallOf(
    const std::string& data, const std::filesystem::path& dir) {
  const auto root = MakeTestDir();
  OverwriteFile(root / "build.yaml", kConfig);
  const Outcome built =
      RunProgram({Program("tributary"), "build", "--data", data, "--out", root,
                  "--version", "1", "--config", root / "build.yaml"});
  EXPECT_EQ(built.exit_status, 0) << built.output;
  const auto json = root / "recall.json";
  const Outcome judged =
      RunProgram({Program("tributary"), "eval", "--bundle", root / "1",
                  "--test", dir / "test.inter", "--json", json, "-k", "500"});
  EXPECT_EQ(judged.exit_status, 0) << judged.output;
  google::protobuf::Struct figures;
  EXPECT_TRUE(
      google::protobuf::util::JsonStringToMessage(ReadFile(json), &figures)
          .ok());
  google::protobuf::Map<std::string, google::protobuf::Value> recall;
  for (const auto& [source, values] :
       figures.fields().at("recall").struct_value().fields()) {
    recall[source] = values.struct_value().fields().at("500");
  }
  return recall;
}

TEST(Concatenation, OfSourcesAtChanceIsAtChance) {
  const auto dir = MakeTestDir();
  const Outcome written =
      RunProgram({"/usr/bin/python3", CONCATENATION_PY, dir});
  ASSERT_EQ(written.exit_status, 0) << written.output;
  const auto chance = RecallOf("vectors:" + (dir / "vectors").string(), dir);
  for (const char* source : {"behavior", "content", "fused"}) {
    // Of 3000 items; the mean over users is good to about .01.
    EXPECT_NEAR(chance.at(source).number_value(), 500.0 / 3000, 0.03) << source;
  }
  const auto trained = RecallOf("csv:" + (dir / "data").string(), dir);
  for (const char* source : {"behavior", "content", "fused"}) {
    EXPECT_GT(trained.at(source).number_value(), 0.8) << source;
  }
}

}  // namespace
}  // namespace tributary
