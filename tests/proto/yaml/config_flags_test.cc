#include "proto/yaml/config_flags.h"

#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tributary/v1/config.pb.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;

// What app.parse() throws, or "".
std::string Parse(std::vector<std::string> arguments,
                  google::protobuf::Message* config) {
  CLI::App app;
  AddConfigFlags(app, config);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 pops the last.
  try {
    app.parse(arguments);
    return "";
  } catch (const CLI::ParseError& e) {
    return e.what();
  }
}

std::string WriteFile(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path) << text;
  return path;
}

TEST(ConfigFlags, SetFieldsByPath) {
  v1::ServerConfig config;
  EXPECT_EQ(Parse({"--bundles", "/b", "--limits.max_k", "2000",
                   "--defaults.k=7", "--defaults.fusion.policy", "RRF",
                   "--live_recall.sample_share", ".5"},
                  &config),
            "");
  EXPECT_EQ(config.bundles(), "/b");
  EXPECT_EQ(config.limits().max_k(), 2000);
  EXPECT_EQ(config.defaults().k(), 7);
  EXPECT_EQ(config.defaults().fusion().policy(), v1::Fusion::RRF);
  EXPECT_EQ(config.live_recall().sample_share(), .5);
  EXPECT_FALSE(config.has_execution());
}

TEST(ConfigFlags, OverrideTheFileWhateverTheOrder) {
  const std::string file = WriteFile("config_flags_order.yaml",
                                     "limits: {max_k: 1, max_batch: 2}\n"
                                     "listen: file:1\n");
  for (const bool file_last : {false, true}) {
    std::vector<std::string> arguments = {"--limits.max_k", "9"};
    arguments.insert(file_last ? arguments.end() : arguments.begin(),
                     {"--config", file});
    v1::ServerConfig config;
    EXPECT_EQ(Parse(arguments, &config), "");
    EXPECT_EQ(config.limits().max_k(), 9);
    EXPECT_EQ(config.limits().max_batch(), 2);
    EXPECT_EQ(config.listen(), "file:1");
  }
}

TEST(ConfigFlags, TakeListsAndMaps) {
  const std::string file =
      WriteFile("config_flags_lists.yaml",
                "defaults: {quotas: [{retriever: popularity, share: 1}]}\n");
  v1::ServerConfig config;
  EXPECT_EQ(
      Parse({"--config", file, "--defaults.quotas", "behavior=.6,content=.3",
             "--defaults.fusion.weights", "a=b=2"},
            &config),
      "");
  ASSERT_EQ(config.defaults().quotas_size(), 2);
  EXPECT_EQ(config.defaults().quotas(0).retriever(), "behavior");
  EXPECT_EQ(config.defaults().quotas(1).share(), .3);
  EXPECT_EQ(config.defaults().fusion().weights().at("a=b"), 2);

  v1::BuildConfig build;
  EXPECT_EQ(Parse({"--popularity.segment_columns", "age,country",
                   "--content.column_weights", "title=2,tags=.5",
                   "--content.weigh_by_value", "true"},
                  &build),
            "");
  EXPECT_THAT(build.popularity().segment_columns(),
              testing::ElementsAre("age", "country"));
  EXPECT_EQ(build.content().column_weights().at("tags"), .5);
  EXPECT_TRUE(build.content().weigh_by_value());
}

TEST(ConfigFlags, NameTheFlagOfABadValue) {
  v1::ServerConfig config;
  EXPECT_EQ(Parse({"--limits.max_k", "-1"}, &config),
            "--limits.max_k: expected an integer from 0 to 4294967295, found "
            "\"-1\"");
  EXPECT_THAT(Parse({"--defaults.quotas", "behavior"}, &config),
              HasSubstr("expected retriever=share, found \"behavior\""));
  EXPECT_THAT(Parse({"--limits.max_q", "1"}, &config),
              HasSubstr("--limits.max_q"));
}

TEST(ConfigFlags, ReportTheFilesErrors) {
  const std::string file =
      WriteFile("config_flags_bad.yaml", "\nlimits: {max_q: 1}\n");
  v1::ServerConfig config;
  EXPECT_THAT(Parse({"--config", file}, &config),
              HasSubstr(file + ":2:10: limits.max_q: unknown field"));
  EXPECT_THAT(Parse({"--config", file + ".none"}, &config),
              HasSubstr("cannot open " + file + ".none"));
}

TEST(ConfigFlags, AreInTheHelp) {
  CLI::App app;
  v1::LoaderConfig config;
  AddConfigFlags(app, &config);
  EXPECT_THAT(app.help(), HasSubstr("--poll_interval_ms"));
  EXPECT_THAT(app.help(), HasSubstr("How long to wait before CURRENT is read"));
}

}  // namespace
}  // namespace tributary
