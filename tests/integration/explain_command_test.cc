// `tributary explain` with the real programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class ExplainCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    WriteTinyBundle(deployment_.bundles(), 1);
    ASSERT_NO_FATAL_FAILURE(deployment_.StartServer());
  }
  Outcome Run(const std::string& command, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {Program("tributary"), command});
    arguments.insert(arguments.end(), {"--address", deployment_.grpc()});
    return RunProgram(arguments);
  }

  Deployment deployment_;
};

TEST_F(ExplainCommandTest, PrintsASentenceAndATreeForEachItem) {
  // User 10 has seen a.
  const Outcome outcome = Run("explain", {"10", "a", "f", "ff", "-k", "2",
                                          "--quota", "popularity=2,taste=0"});
  ASSERT_EQ(outcome.exit_status, 0) << outcome.output;
  EXPECT_THAT(
      outcome.output,
      AllOf(HasSubstr("a: seen\n  The user has already had it; without that, "),
            HasSubstr("f: in the list, rank 2\n"),
            ContainsRegex("popularity +rank 1, score 6; proposed at 1 of 2, "
                          "adds 0[.]"),
            ContainsRegex("taste +does not have it"),
            HasSubstr("ff: not in the catalogue\n  The catalogue has no item "
                      "\"ff\"; the nearest key"),
            HasSubstr("2 candidates, k 2, bundle version 1\n")));
}

TEST_F(ExplainCommandTest, TakesTheFlagsOfRetrieve) {
  const std::vector<std::string> flags = {
      "-k",       "3",          "--quota", "popularity=0",
      "--where",  "price < 20", "--cap",   "brand=1",
      "--boost",  "2:in_stock", "--decay", "created_at=700",
      "--recent", "b"};
  std::vector<std::string> retrieve = flags;
  retrieve.insert(retrieve.begin(), "20");
  const Outcome list = Run("retrieve", retrieve);
  ASSERT_EQ(list.exit_status, 0) << list.output;
  EXPECT_THAT(list.output, Not(ContainsRegex("  d  ")));
  std::vector<std::string> explain = flags;
  explain.insert(explain.begin(), {"20", "d", "b"});
  const Outcome why = Run("explain", explain);
  ASSERT_EQ(why.exit_status, 0) << why.output;
  EXPECT_THAT(why.output,
              AllOf(HasSubstr("d: does not pass the filter\n"),
                    HasSubstr("fails  price < 20: it has 100"),
                    HasSubstr("b: seen\n  It is among the request's recent")));
  explain.emplace_back("--json");
  EXPECT_THAT(Run("explain", explain).output,
              AllOf(HasSubstr("\"verdict\": \"DOES_NOT_PASS\""),
                    HasSubstr("\"remedy\": {")));
}

TEST_F(ExplainCommandTest, ErrorsNameTheFlagOrTheField) {
  const auto expect = [&](const std::vector<std::string>& arguments,
                          const std::string& message) {
    const Outcome outcome = Run("explain", arguments);
    EXPECT_NE(outcome.exit_status, 0);
    EXPECT_THAT(outcome.output, HasSubstr(message));
  };
  expect({"10"}, "items is required");
  expect({"10", "a", "--cap", "brand"}, "--cap: \"brand\"");
  expect({"10", "a", "--where", "colour = 1"}, "request.filter.where: ");
  expect({"10", "a", "--version", "9"}, "NOT_FOUND");
  std::vector<std::string> many(18, "a");
  many.front() = "10";
  expect(many, "limits.max_explained_items, 16");
}

}  // namespace
}  // namespace tributary
