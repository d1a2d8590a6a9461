// Caps, boosts and decay through the real programs: by `tributary retrieve` and
// as JSON over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

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

class ListFlagsTest : public testing::Test {
 protected:
  void SetUp() override {
    WriteTinyBundle(deployment_.bundles(), 1);
    ASSERT_NO_FATAL_FAILURE(deployment_.StartServer());
  }
  Outcome Retrieve(std::vector<std::string> flags) {
    flags.insert(flags.begin(),
                 {Program("tributary"), "retrieve", "-k", "6", "--quota",
                  "popularity=0", "--address", deployment_.grpc()});
    return RunProgram(flags);
  }

  Deployment deployment_;
};

TEST_F(ListFlagsTest, ATableHasFactorsAndCapsIfThereAreAny) {
  const Outcome plain = Retrieve({});
  ASSERT_EQ(plain.exit_status, 0) << plain.output;
  EXPECT_THAT(plain.output,
              AllOf(Not(HasSubstr("factor")), Not(HasSubstr("the cap on"))));

  const Outcome shaped = Retrieve(
      {"--cap", "brand=1,in_stock=3", "--boost",
       "4: brand = acme AND year = 1984", "--boost", "0.5:tags:new", "--decay",
       "created_at=731", "--decay-floor", "0.25", "--decay-at", "2026-01-01"});
  ASSERT_EQ(shaped.exit_status, 0) << shaped.output;
  // c is of acme and new; e is two years old.
  EXPECT_THAT(shaped.output,
              AllOf(ContainsRegex("item +score +factor +sources"),
                    ContainsRegex("1  c +[0-9.]+ +2  popularity"),
                    ContainsRegex("e +[0-9.]+ +0[.]5  popularity"),
                    HasSubstr("the cap on brand kept out 2 of the proposed"),
                    HasSubstr("the cap on in_stock kept out 0 of")));
  EXPECT_THAT(Retrieve({"--boost", "4:in_stock", "--json"}).output,
              AllOf(HasSubstr("\"factors\""), HasSubstr("\"itemKeys\"")));
}

TEST_F(ListFlagsTest, ErrorsNameTheFlagOrTheField) {
  const auto expect = [&](const std::vector<std::string>& flags,
                          const std::string& message) {
    const Outcome outcome = Retrieve(flags);
    EXPECT_NE(outcome.exit_status, 0);
    EXPECT_THAT(outcome.output, HasSubstr(message));
  };
  expect({"--cap", "brand"}, "--cap: \"brand\", expected ATTRIBUTE=NUMBER");
  expect({"--cap", "brand=x"}, "--cap: \"brand=x\"");
  expect({"--cap", "brnad=3"}, "did you mean \"brand\"?");
  for (const char* text : {"in_stock = true", "in_stock:2", "2:", ":a = 1"}) {
    expect({"--boost", text}, "expected FACTOR:CONDITION");
  }
  expect({"--boost", "2000:in_stock"}, "boosts[0].factor: 2000");
  expect({"--decay", "created_at"}, "expected ATTRIBUTE=DAYS");
  expect({"--decay", "year=7"}, "decay.attribute: \"year\" is integer");
  expect({"--decay-floor", "0.5"}, "--decay");
}

TEST_F(ListFlagsTest, HttpTakesAndGivesThem) {
  httplib::Client client("http://" + deployment_.http());
  const auto reply =
      client.Post("/v1/retrieve",
                  R"({"k":6,"quotas":{"popularity":{"target":0}},"view":"FULL",
          "caps":[{"attribute":"brand","max":1}],
          "boosts":[{"where":"in_stock = true","factor":2}],
          "decay":{"attribute":"created_at","halfLifeDays":365,
                   "at":"2026-01-01T00:00:00Z"}})",
                  "application/json");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200) << reply->body;
  EXPECT_THAT(reply->body,
              AllOf(HasSubstr("\"factors\":["),
                    HasSubstr("\"caps\":[{\"attribute\":\"brand\"")));
  const auto refused = client.Post(
      "/v1/retrieve", R"({"boosts":[{"where":"colour = 1","factor":2}]})",
      "application/json");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 400);
  EXPECT_THAT(refused->body, HasSubstr("boosts[0].where"));
  EXPECT_THAT(deployment_.Get("/metrics"),
              AllOf(HasSubstr("tributary_capped_total 1"),
                    HasSubstr("tributary_reweighed_total 1"),
                    HasSubstr("tributary_cap_rejections_total 2")));
}

}  // namespace
}  // namespace tributary
