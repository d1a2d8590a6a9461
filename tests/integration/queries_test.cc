// Items as the query, several vectors, weights of recent items and diversity
// through the real programs: by `tributary retrieve`, as JSON over HTTP, and
// what `tributary eval` says of diversity.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <regex>
#include <string>
#include <vector>

#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;

// Items a to e have the vectors (1, 5), (2, 4), (3, 3), (4, 2), (5, 1).
class QueriesTest : public testing::Test {
 protected:
  void SetUp() override {
    WriteTinyBundle(deployment_.bundles(), 1);
    ASSERT_NO_FATAL_FAILURE(deployment_.StartServer());
  }
  Outcome Retrieve(std::vector<std::string> flags) {
    flags.insert(flags.begin(),
                 {Program("tributary"), "retrieve", "-k", "3", "--quota",
                  "taste=3", "--address", deployment_.grpc()});
    return RunProgram(flags);
  }
  // The keys of the table that `tributary retrieve` prints.
  std::vector<std::string> Keys(const std::vector<std::string>& flags) {
    const Outcome outcome = Retrieve(flags);
    EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
    std::vector<std::string> keys;
    const std::regex line("\n +[0-9]+  ([a-f]) ");
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

TEST_F(QueriesTest, ItemsAreTheQueryWithAndWithoutAUser) {
  EXPECT_THAT(Keys({"--like", "e"}), ElementsAre("d", "c", "b"));
  EXPECT_THAT(Keys({"--like", "a", "--unlike", "e=0.1"}),
              ElementsAre("b", "c", "d"));
  // User 10 has (1, 0), which the weight of a outweighs. The user's key may
  // follow a flag.
  EXPECT_THAT(Keys({"--include-seen", "--like", "a=9", "10"}),
              ElementsAre("a", "b", "c"));
  EXPECT_THAT(Keys({"--include-seen", "--like", "a=0.1", "10"}),
              ElementsAre("e", "d", "c"));
  EXPECT_THAT(Keys({"--include-seen", "--recent", "a=3,e"}),
              ElementsAre("a", "b", "c"));
  EXPECT_THAT(Keys({"--include-seen", "--recent", "a,e=3"}),
              ElementsAre("e", "d", "c"));
}

TEST_F(QueriesTest, ADiverseListIsShownInItsOrder) {
  EXPECT_THAT(Keys({"--like", "e", "--diversity", "taste=1"}),
              ElementsAre("d", "c", "b"));
  EXPECT_THAT(Keys({"--like", "e", "--diversity", "taste=0.1"}),
              ElementsAre("d", "a", "c"));
}

TEST_F(QueriesTest, ErrorsNameTheFlagOrTheField) {
  const auto expect = [&](const std::vector<std::string>& flags,
                          const std::string& message) {
    const Outcome outcome = Retrieve(flags);
    EXPECT_NE(outcome.exit_status, 0);
    EXPECT_THAT(outcome.output, HasSubstr(message));
  };
  expect({"--like", "a=-2"}, "like[0].weight: -2");
  expect({"--like", "a=0"}, "like[0].weight: ");
  expect({"--recent", "a=2000"}, "recent_item_weights[0]: 2000");
  for (const char* text :
       {"taste=2", "taste=x", "=0.5", "taste=", "taste=nan", "taste=0.5,"}) {
    expect({"--diversity", text}, "expected SPACE=LAMBDA");
  }
  expect({"--diversity", "taste"}, "expected one lambda");
  expect({"--diversity", "taste=0.1,0.2"}, "expected one lambda");
  expect({"--diversity", "content=0.1"},
         "diversity.space: no such space; version 1 has taste");
}

TEST_F(QueriesTest, HttpTakesThem) {
  httplib::Client client("http://" + deployment_.http());
  const auto post = [&](const std::string& body, int status) {
    const auto reply = client.Post("/v1/retrieve", body, "application/json");
    EXPECT_TRUE(reply);
    if (!reply) return std::string();
    EXPECT_EQ(reply->status, status) << reply->body;
    return reply->body;
  };
  const std::string taste = R"("k":3,"quotas":{"taste":{"target":3}})";
  EXPECT_THAT(post("{" + taste + R"(,"like":[{"itemKey":"e"}]})", 200),
              HasSubstr(R"("itemKeys":["d","c","b"])"));
  EXPECT_THAT(post("{" + taste + R"(,"recentItemKeys":["a","e"],
                   "recentItemWeights":[1,3],"includeSeen":true})",
                   200),
              HasSubstr(R"("itemKeys":["e","d","c"])"));
  EXPECT_THAT(post("{" + taste + R"(,"queries":[
                   {"space":"taste","values":[1,0]},
                   {"space":"taste","values":[0,1],"weight":0.9}]})",
                   200),
              HasSubstr(R"("itemKeys":["e","a","d"])"));
  EXPECT_THAT(post("{" + taste + R"(,"like":[{"itemKey":"e"}],
                   "diversity":{"space":"taste","lambda":0.1}})",
                   200),
              HasSubstr(R"("itemKeys":["d","a","c"])"));
  EXPECT_THAT(post(R"({"queries":[{"space":"taste","values":[1]}]})", 400),
              HasSubstr("queries[0].values: 1 values, expected 2"));
  std::string many = R"({"like":[{"itemKey":"a"})";
  for (int i = 0; i < 1000; ++i) many += R"(,{"itemKey":"a"})";
  EXPECT_THAT(post(many + "]}", 400),
              HasSubstr("like: 1001 items with those of unlike"));
}

TEST(EvalDiversity, ATableSaysWhatItCostsAndGives) {
  const auto dir = MakeTestDir();
  const std::string bundle = WriteTinyBundle(dir, 1);
  const std::string test = dir / "test.inter";
  OverwriteFile(test,
                "user_id:token\titem_id:token\n10\tc\n10\te\n20\td\n20\ta\n");
  const std::string json = dir / "eval.json";
  const auto eval = [&](const std::string& diversity) {
    return RunProgram({Program("tributary"), "eval", "--bundle", bundle,
                       "--test", test, "-k", "2,3", "--json", json,
                       "--diversity", diversity});
  };
  const Outcome measured = eval("taste=0,1");
  ASSERT_EQ(measured.exit_status, 0) << measured.output;
  const std::string numbers = "( +[0-9]+[.][0-9]{4}){3}\n";
  EXPECT_THAT(
      measured.output,
      AllOf(ContainsRegex("lambda +@2 +@3 +diversity\n"),
            ContainsRegex("as it is +" + numbers),
            ContainsRegex("\n0 +" + numbers), ContainsRegex("\n1 +" + numbers),
            HasSubstr("1 - the mean cosine in taste of all pairs")));
  const std::string text = ReadFile(json);
  EXPECT_THAT(
      text, AllOf(HasSubstr(R"("space":"taste")"), HasSubstr(R"("lambda":1)")));
  // Difference alone gives lists that differ more.
  const auto diversity_of = [&text](const std::string& lambda) {
    // The fields of an object come in any order.
    const std::regex object("\\{[^{}]*(\\{[^{}]*\\})?[^{}]*\\}");
    const std::regex wanted("\"lambda\":" + lambda + "[,}]");
    const std::regex diversity("\"diversity\":([0-9.e+-]+)");
    for (std::sregex_iterator i(text.begin(), text.end(), object), end;
         i != end; ++i) {
      const std::string point = i->str();
      std::smatch match;
      if (std::regex_search(point, wanted) &&
          std::regex_search(point, match, diversity)) {
        return std::stod(match[1]);
      }
    }
    ADD_FAILURE() << "no lambda " << lambda << " in " << text;
    return 0.0;
  };
  EXPECT_GT(diversity_of("0"), diversity_of("1"));

  const Outcome alone = eval("taste");
  EXPECT_EQ(alone.exit_status, 0) << alone.output;
  EXPECT_THAT(alone.output, ContainsRegex("as it is +" + numbers));
  EXPECT_THAT(eval("content=1").output,
              HasSubstr("diversity.space: \"content\" is no space of version "
                        "1, which has taste"));
  EXPECT_THAT(eval("taste=1.5").output, HasSubstr("expected SPACE=LAMBDA"));
}

}  // namespace
}  // namespace tributary
