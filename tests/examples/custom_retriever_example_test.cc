// The example with a kind of retriever of its own: every program that makes
// retrievers serves, measures and judges a bundle that names the kind, and the
// programs without the kind refuse it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;

constexpr char kUnknownKind[] =
    "retrievers[\"fresh\"].kind: \"newest\" is not a registered kind";

class CustomRetrieverExampleTest : public testing::Test {
 protected:
  // Version 1 is built; version 2 is the same with a retriever "fresh".
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(deployment_.Build(
        1, {"--holdout", "0.2", "--test-out", held_out_.string()}));
    const Outcome added = Add("{\"half_life_items\": \"50\"}");
    ASSERT_EQ(added.exit_status, 0) << added.output;
  }

  Outcome Add(const std::string& settings) {
    return Own({"add-retriever", Built(1),
                "{\"name\": \"fresh\", \"kind\": \"newest\", \"settings\": " +
                    settings + "}"});
  }
  std::string Built(uint64_t version) const {
    return deployment_.built() / std::to_string(version);
  }
  static Outcome Own(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), Program("custom_retriever"));
    return RunProgram(arguments);
  }
  static Outcome Plain(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), Program("tributary"));
    return RunProgram(arguments);
  }
  // Runs a command with both programs: only the one that knows the kind may
  // succeed, and the other must name it.
  static std::string OwnOnly(const std::vector<std::string>& arguments) {
    const Outcome refused = Plain(arguments);
    EXPECT_EQ(refused.exit_status, 1);
    EXPECT_THAT(refused.output, HasSubstr(kUnknownKind));
    const Outcome done = Own(arguments);
    EXPECT_EQ(done.exit_status, 0) << done.output;
    return done.output;
  }
  void Publish(uint64_t version) {
    const Outcome outcome = deployment_.Publish(version);
    ASSERT_EQ(outcome.exit_status, 0) << outcome.output;
  }

  const std::filesystem::path held_out_ = MakeTestDir() / "held_out.inter";
  Deployment deployment_{/*gate=*/true};
};

TEST_F(CustomRetrieverExampleTest, CommandsMeasureIt) {
  EXPECT_EQ(Own({"verify", Built(2)}).output, "ok\n");
  EXPECT_THAT(Own({"inspect", Built(2)}).output, HasSubstr("newest"));

  EXPECT_THAT(OwnOnly({"eval", "--bundle", Built(2), "--test", held_out_}),
              HasSubstr("\nfresh "));
  // It drops sources that add no recall.
  EXPECT_THAT(
      OwnOnly({"tune", "--bundle", Built(2), "--validation", held_out_}),
      HasSubstr("\nfusion "));
  EXPECT_THAT(
      OwnOnly({"gate", Built(1), Built(2)}),
      AllOf(HasSubstr("unreachable items                       0          0"),
            HasSubstr("fresh             "), HasSubstr("\npassed\n")));
}

TEST_F(CustomRetrieverExampleTest, ASettingThatItDoesNotKnowIsNamed) {
  const Outcome refused = Add("{\"half_live\": \"50\"}");
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(refused.output,
              HasSubstr("retrievers[\"fresh\"]: settings[\"half_live\"]"));
  EXPECT_FALSE(std::filesystem::exists(Built(3)));
}

TEST_F(CustomRetrieverExampleTest, ServerAndLoaderServeIt) {
  deployment_.set_server_command({Program("custom_retriever"), "server"});
  deployment_.set_loader_command({Program("custom_retriever"), "loader"});
  deployment_.StartServer();
  deployment_.StartLoader();
  Publish(1);
  ASSERT_TRUE(deployment_.WaitForVersion(1)) << deployment_.loader().Output();
  Publish(2);
  ASSERT_TRUE(deployment_.WaitForVersion(2)) << deployment_.loader().Output();

  v1::RetrieveRequest request;
  request.set_user_key("u1");
  request.set_k(7);
  (*request.mutable_quotas())["fresh"].set_target(7);
  const auto response = deployment_.client().Retrieve(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(response->item_keys(), SizeIs(7));
  // Of keys v1-0 to v1-399, in byte order.
  EXPECT_THAT(response->item_keys(), Each(HasSubstr("v1-9")));
  EXPECT_EQ(deployment_.StopLoader(), 0);
  EXPECT_EQ(deployment_.StopServer(), 0);
}

TEST_F(CustomRetrieverExampleTest, ProgramsWithoutTheKindRefuseIt) {
  deployment_.StartServer();
  deployment_.StartLoader();
  Publish(1);
  ASSERT_TRUE(deployment_.WaitForVersion(1)) << deployment_.loader().Output();
  Publish(2);
  ASSERT_TRUE(WaitUntil([&] {
    return deployment_.Status().last_refusal().version() == 2;
  })) << deployment_.loader().Output();
  EXPECT_THAT(deployment_.Status().last_refusal().reason(),
              AllOf(HasSubstr("source of fresh"), HasSubstr(kUnknownKind)));
  EXPECT_EQ(deployment_.Status().active_version(), 1);
  EXPECT_EQ(deployment_.StopLoader(), 0);

  // A loader with the kind is another program: it tries the version again, and
  // the server without the kind is the one that refuses it.
  deployment_.set_loader_command({Program("custom_retriever"), "loader"});
  deployment_.StartLoader();
  ASSERT_TRUE(WaitUntil([&] {
    const std::string reason = deployment_.Status().last_refusal().reason();
    return reason.find(kUnknownKind) != std::string::npos &&
           reason.find("source of") == std::string::npos;
  })) << deployment_.loader().Output();
  EXPECT_EQ(deployment_.Status().active_version(), 1);
  EXPECT_EQ(deployment_.StopLoader(), 0);
  EXPECT_EQ(deployment_.StopServer(), 0);
}

}  // namespace
}  // namespace tributary
