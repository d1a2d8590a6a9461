// `tributary control` and labels, with the real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fmt/core.h"
#include "httplib.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class ControlTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const uint64_t version : {1, 2}) {
      deployment_.Build(version);
      std::filesystem::rename(deployment_.built() / std::to_string(version),
                              deployment_.bundles() / std::to_string(version));
    }
    deployment_.StartServer();
  }

  Outcome Control(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {Program("tributary"), "control"});
    arguments.insert(
        arguments.end(),
        {"--control",
         "unix:" + (deployment_.bundles() / "control.sock").string()});
    return RunProgram(arguments);
  }
  // The output of a command that must succeed.
  std::string Say(std::vector<std::string> arguments) {
    const Outcome outcome = Control(std::move(arguments));
    EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
    return outcome.output;
  }

  Deployment deployment_;
};

TEST_F(ControlTest, AnOperatorCanDoItAllByHand) {
  EXPECT_THAT(Say({"list"}), AllOf(ContainsRegex(" 1  ON_DISK "),
                                   ContainsRegex(" 2  ACTIVE ")));
  const Outcome early = Control({"activate", "1"});
  EXPECT_EQ(early.exit_status, 1);
  EXPECT_THAT(early.output, HasSubstr("version 1 is not staged"));
  EXPECT_THAT(Say({"stage", "1"}), ContainsRegex(" 1  STAGED "));
  EXPECT_THAT(Say({"diff", "2", "1", "--sample", "10"}),
              AllOf(HasSubstr("version 2 to 1, 10 users"),
                    ContainsRegex("fused +[0-9.]+ +[0-9.]+ +0.0000"),
                    HasSubstr("popularity")));
  EXPECT_THAT(Say({"diff", "2", "1", "--user", "u3", "-k", "5"}),
              AllOf(ContainsRegex("1 +-  v2-"), ContainsRegex("- +1  v1-")));
  EXPECT_THAT(Say({"activate", "1"}), ContainsRegex(" 1  ACTIVE "));
  EXPECT_THAT(Say({"rollback"}), ContainsRegex(" 2  ACTIVE "));
  EXPECT_THAT(Control({"rollback"}).output,
              HasSubstr("no version was active before"));
  EXPECT_THAT(Say({"label", "canary", "1", "--share", "0.3"}),
              AllOf(ContainsRegex("canary +1 +30.00%"),
                    ContainsRegex("stable +2 +70.00%")));
  EXPECT_THAT(Control({"unload", "1"}).output, HasSubstr("canary"));
  Say({"label", "canary", "0"});
  Say({"unload", "1"});
  EXPECT_THAT(Say({"status"}), AllOf(HasSubstr("active      2 since 20"),
                                     HasSubstr("2 swaps, 0 refusals")));
  EXPECT_THAT(Say({"status", "--json"}), HasSubstr("\"activeVersion\": \"2\""));
}

TEST_F(ControlTest, UsersKeepTheirVersionWhileTheShareStaysOverHttpToo) {
  Say({"stage", "1"});
  Say({"label", "canary", "1", "--share", "0.3"});
  httplib::Client http("http://" + deployment_.http());
  int canaries = 0;
  for (int user = 0; user < 60; ++user) {
    v1::RetrieveRequest request;
    request.set_user_key(fmt::format("u{}", user));
    request.set_k(3);
    const auto response = deployment_.client().Retrieve(request);
    ASSERT_TRUE(response.ok()) << response.status();
    const bool canary = response->bundle_label() == "canary";
    EXPECT_EQ(response->bundle_version(), canary ? 1 : 2);
    EXPECT_THAT(response->item_keys(0), HasSubstr(canary ? "v1-" : "v2-"));
    canaries += canary ? 1 : 0;
    const auto json = http.Post(
        "/v1/retrieve", fmt::format(R"({{"userKey":"u{}","k":3}})", user),
        "application/json");
    ASSERT_TRUE(json);
    EXPECT_EQ(json->body.find(R"("bundleLabel":"canary")") != std::string::npos,
              canary)
        << json->body;
  }
  EXPECT_GT(canaries, 6);
  EXPECT_LT(canaries, 32);
  const auto ask = [&](const std::string& flag, const std::string& value) {
    return RunProgram({Program("tributary"), "retrieve", "u1", "-k", "3",
                       "--address", deployment_.grpc(), flag, value})
        .output;
  };
  EXPECT_THAT(ask("--label", "canary"), HasSubstr("bundle version 1 (canary)"));
  EXPECT_THAT(ask("--label", "stable"), HasSubstr("bundle version 2\n"));
  EXPECT_THAT(ask("--version", "1"), HasSubstr("bundle version 1\n"));
  EXPECT_THAT(ask("--label", "nightly"), HasSubstr("no label \"nightly\""));
}

}  // namespace
}  // namespace tributary
