// What is known of the user now, through the real programs: by `tributary
// retrieve` and `explain`, as JSON over HTTP, and as `inspect` lists it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "tests/index/tower/feature_tower_bundle.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Items 0 to 4 have the vectors (1, 5), (2, 4), (3, 3), (4, 2), (5, 1). Of
// unknown users, those in paris like item 0 best, and those in rome item 4.
class UserFeaturesTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::filesystem::path written = FeatureTowerBundle().Write();
    std::filesystem::copy(written, deployment_.bundles() / "1",
                          std::filesystem::copy_options::recursive);
    ASSERT_NO_FATAL_FAILURE(deployment_.StartServer());
  }
  Outcome Run(const std::string& command, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {Program("tributary"), command});
    arguments.insert(arguments.end(), {"--address", deployment_.grpc()});
    return RunProgram(arguments);
  }
  // The keys of the table that `tributary retrieve` prints.
  std::vector<std::string> Keys(std::vector<std::string> flags) {
    flags.insert(flags.end(), {"-k", "3"});
    const Outcome outcome = Run("retrieve", flags);
    EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
    std::vector<std::string> keys;
    const std::regex line("\n +[0-9]+  ([0-5]) ");
    for (std::sregex_iterator
             at(outcome.output.begin(), outcome.output.end(), line),
         end;
         at != end; ++at) {
      keys.push_back((*at)[1]);
    }
    return keys;
  }

  Deployment deployment_;
};

TEST_F(UserFeaturesTest, ANewVisitorGetsAListByThem) {
  EXPECT_THAT(Keys({}), IsEmpty());
  EXPECT_THAT(Keys({"--user-feature", "city=paris"}),
              ElementsAre("0", "1", "2"));
  EXPECT_THAT(Keys({"--user-feature", "city=rome"}),
              ElementsAre("4", "3", "2"));
  EXPECT_THAT(Keys({"--user-feature", "city=rome,atlantis", "stranger"}),
              ElementsAre("4", "3", "2"));
  // Nothing is known of them.
  EXPECT_THAT(Keys({"--user-feature", "city=atlantis"}), IsEmpty());
  EXPECT_THAT(Keys({"--user-feature", "city=", "--user-feature", "age="}),
              IsEmpty());
  // The number outweighs the city.
  EXPECT_THAT(
      Keys({"--user-feature", "age=1e6", "--user-feature", "city=rome"}),
      ElementsAre("0", "1", "2"));
}

TEST_F(UserFeaturesTest, ExplainGoesByThem) {
  const Outcome stored = Run("explain", {"10", "4", "-k", "1"});
  ASSERT_EQ(stored.exit_status, 0) << stored.output;
  EXPECT_THAT(stored.output, Not(HasSubstr("4: in the list")));
  const Outcome now =
      Run("explain", {"10", "4", "-k", "1", "--user-feature", "city=rome"});
  ASSERT_EQ(now.exit_status, 0) << now.output;
  EXPECT_THAT(now.output, HasSubstr("4: in the list, rank 1"));
}

TEST_F(UserFeaturesTest, ErrorsNameTheFlagOrTheFeature) {
  const auto expect = [&](const std::string& flag, const std::string& message) {
    const Outcome outcome = Run("retrieve", {"--user-feature", flag});
    EXPECT_NE(outcome.exit_status, 0);
    EXPECT_THAT(outcome.output, HasSubstr(message));
  };
  expect("city", "--user-feature: \"city\", expected NAME=VALUE");
  expect("=rome", "--user-feature: \"=rome\", expected NAME=VALUE");
  expect("citty=rome",
         "user_features[\"citty\"]: no tower of version 1 takes it; did you "
         "mean \"city\"?");
  expect("age=old", "user_features[\"age\"]: categories are given");
  expect("age=1e20", "user_features[\"age\"].number: 1e+20");
}

TEST_F(UserFeaturesTest, HttpTakesThem) {
  httplib::Client client("http://" + deployment_.http());
  const auto post = [&](const std::string& body, int status) {
    const auto reply = client.Post("/v1/retrieve", body, "application/json");
    EXPECT_TRUE(reply);
    if (!reply) return std::string();
    EXPECT_EQ(reply->status, status) << reply->body;
    return reply->body;
  };
  EXPECT_THAT(post(R"({"k":2,"userFeatures":{
                     "city":{"categories":["rome"]},"age":{"number":7}}})",
                   200),
              HasSubstr(R"("itemIds":["4","3"])"));
  EXPECT_THAT(post(R"({"user_features":{"age":{"number":"NaN"}}})", 400),
              HasSubstr("age"));
  EXPECT_THAT(post(R"({"userFeatures":{"city":{"number":1}}})", 400),
              HasSubstr("a number is given"));
}

TEST_F(UserFeaturesTest, InspectListsThem) {
  const Outcome outcome = RunProgram({Program("tributary"), "inspect",
                                      (deployment_.bundles() / "1").string()});
  EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
  EXPECT_THAT(outcome.output,
              HasSubstr("\ntaste: requests may say of the user city (3 "
                        "categories), age (number)\n"));
}

}  // namespace
}  // namespace tributary
