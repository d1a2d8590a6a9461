// Requests with boosts and decay, from the plan to the reply.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>

#include "google/protobuf/text_format.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/server_config.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/pipeline/scripted_retriever.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Popularity proposes f, e, d, c, b, a.
constexpr char kByRank[] =
    "k: 6 view: FULL quotas { key: 'popularity' value { target: 0 } } "
    "fusion { policy: RRF } ";

class BoostedRequestsTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto opened = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
    ASSERT_TRUE(opened.ok()) << opened.status();
    auto serving = ServingBundle::Open(*opened, RetrieverRegistry::BuiltIn());
    ASSERT_TRUE(serving.ok()) << serving.status();
    bundle_ = *std::move(serving);
  }
  static v1::ServerConfig Config() {
    v1::ServerConfig config;
    config.set_bundles("b");
    config.mutable_defaults()->set_deadline_ms(60'000);
    return CompleteServerConfig(config).value();
  }
  absl::Status Retrieve(const std::string& text) {
    v1::RetrieveRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
    return pipeline_.Retrieve(bundle_, request, SteadyTime::max(), &response_);
  }
  std::string Error(const std::string& text) {
    const absl::Status status = Retrieve(text);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    return std::string(status.message());
  }

  ServerMetrics metrics_;
  WorkerPool pool_{1, 4};
  Pipeline pipeline_{Config(), &pool_, &metrics_, nullptr};
  std::shared_ptr<const ServingBundle> bundle_;
  v1::RetrieveResponse response_;
};

TEST_F(BoostedRequestsTest, FactorsMultiplyAndOrder) {
  ASSERT_TRUE(Retrieve(std::string(kByRank) +
                       "boosts { where: 'in_stock = true' factor: 2 } "
                       "boosts { factor: 1.5 predicate { term { attribute: "
                       "'brand' equals { text: 'acme' } } } }")
                  .ok());
  // a and c are in stock and of acme, e is in stock.
  EXPECT_THAT(response_.item_keys(), ElementsAre("c", "a", "e", "f", "d", "b"));
  EXPECT_THAT(response_.factors(), ElementsAre(3, 3, 2, 1, 1, 1));
  EXPECT_FLOAT_EQ(response_.scores(0), static_cast<float>(3 / (60.0 + 4)));
  EXPECT_EQ(response_.source_reports(0).ranks(0), 4);
  EXPECT_EQ(metrics_.reweighed.value(), 1);

  // The next request of the thread has none.
  ASSERT_TRUE(Retrieve(kByRank).ok());
  EXPECT_THAT(response_.item_keys(), ElementsAre("f", "e", "d", "c", "b", "a"));
  EXPECT_THAT(response_.factors(), IsEmpty());
  EXPECT_EQ(metrics_.reweighed.value(), 1);
}

TEST_F(BoostedRequestsTest, OnlyTheFullViewHasFactors) {
  ASSERT_TRUE(Retrieve("k: 6 quotas { key: 'popularity' value { target: 0 } } "
                       "boosts { where: 'in_stock' factor: 2 }")
                  .ok());
  EXPECT_EQ(response_.scores_size(), 6);
  EXPECT_THAT(response_.factors(), IsEmpty());
}

TEST_F(BoostedRequestsTest, DecayHalvesWithAge) {
  // 2024-01-01 is 732 days before 2026-01-02, and 2025-06-15 12:00 is 200.5.
  ASSERT_TRUE(Retrieve(std::string(kByRank) +
                       "decay { attribute: 'created_at' half_life_days: 366 "
                       "at: '2026-01-02T00:00:00Z' }")
                  .ok());
  const float june = static_cast<float>(std::exp2(-200.5 / 366));
  const float day = static_cast<float>(std::exp2(-1.0 / 366));
  EXPECT_THAT(response_.item_keys(), ElementsAre("d", "c", "f", "b", "e", "a"));
  EXPECT_THAT(response_.factors(),
              ElementsAre(FloatNear(day, 1e-6F), 1, FloatNear(june, 1e-6F),
                          FloatNear(june, 1e-6F), .25F, .25F));
}

TEST_F(BoostedRequestsTest, DecayHasAFloorAndNoFuture) {
  ASSERT_TRUE(Retrieve(std::string(kByRank) +
                       "decay { attribute: 'created_at' half_life_days: 1 "
                       "floor: 0.5 at: '2025-06-16' }")
                  .ok());
  // d is of the future; half a day has passed for f and b.
  const float half_a_day = static_cast<float>(std::exp2(-.5));
  EXPECT_THAT(response_.item_keys(), ElementsAre("d", "c", "f", "b", "e", "a"));
  EXPECT_THAT(response_.factors(),
              ElementsAre(1, 1, FloatNear(half_a_day, 1e-6F),
                          FloatNear(half_a_day, 1e-6F), .5F, .5F));
}

TEST_F(BoostedRequestsTest, ItemsOfGreatAgeKeepTheirOrder) {
  ASSERT_TRUE(Retrieve(std::string(kByRank) +
                       "decay { attribute: 'created_at' half_life_days: 0.001 "
                       "at: '2200-01-01' }")
                  .ok());
  EXPECT_THAT(response_.item_keys(), ElementsAre("c", "f", "e", "d", "b", "a"));
  for (const float score : response_.scores()) EXPECT_GT(score, 0);
}

TEST_F(BoostedRequestsTest, WithoutATimeAgesAreCountedToNow) {
  ASSERT_TRUE(Retrieve(std::string(kByRank) +
                       "decay { attribute: 'created_at' half_life_days: 3650 }")
                  .ok());
  for (int i = 0; i < 6; ++i) {
    const std::string& key = response_.item_keys(i);
    if (key == "c") {
      EXPECT_EQ(response_.factors(i), 1);
    } else if (key == "a") {
      // At least the years until this was written.
      EXPECT_LT(response_.factors(i), std::exp2(-700 / 3650.0));
      EXPECT_GT(response_.factors(i), 0);
    }
  }
}

TEST_F(BoostedRequestsTest, ErrorsNameTheField) {
  EXPECT_THAT(Error("boosts { where: 'in_stock' factor: 2 } "
                    "boosts { where: 'brand = acme AND colour = red' "
                    "factor: 2 }"),
              HasSubstr("boosts[1].where: at byte 17: \"colour\" is no "
                        "attribute of version 1"));
  EXPECT_THAT(Error("boosts { where: 'brand = ' factor: 2 }"),
              HasSubstr("boosts[0].where: "));
  EXPECT_THAT(Error("boosts { factor: 2 predicate { term { attribute: 'yaer' "
                    "exists: true } } }"),
              HasSubstr("boosts[0].predicate.term.attribute: \"yaer\" is no "
                        "attribute of version 1; did you mean \"year\"?"));
  EXPECT_THAT(Error("boosts { factor: 2 }"),
              HasSubstr("boosts[0]: neither of where and predicate is set"));
  EXPECT_THAT(Error("boosts { factor: 2 where: 'in_stock' predicate { term { "
                    "attribute: 'year' exists: true } } }"),
              HasSubstr("boosts[0]: both of where and predicate are set"));
  for (const char* factor : {"0", "-1", "1000.5", "nan", "inf"}) {
    EXPECT_THAT(Error(std::string("boosts { where: 'in_stock' factor: ") +
                      factor + " }"),
                HasSubstr("boosts[0].factor: "));
  }
  std::string many;
  for (int i = 0; i < 17; ++i) many += "boosts { where: 'year = 1' factor: 2 }";
  EXPECT_THAT(Error(many), HasSubstr("boosts: 17 boosts, at most 16"));
  EXPECT_THAT(Error("boosts { factor: 2 where: 'brand = " +
                    std::string(70'000, 'x') + "' }"),
              HasSubstr("limits.max_where_bytes is"));
}

TEST_F(BoostedRequestsTest, ErrorsOfDecayAndOfOthersComeTogether) {
  const std::string message = Error(
      "caps { attribute: 'price' max: 1 } boosts { where: 'x = 1' factor: 2 } "
      "decay { attribute: 'year' half_life_days: 0 floor: 2 at: 'yesterday' }");
  for (const char* part :
       {"caps[0].attribute: \"price\" is number",
        "boosts[0].where: at byte 0: \"x\" is no attribute",
        "decay.attribute: \"year\" is integer, expected one of time",
        "decay.half_life_days: 0, expected a finite number above 0",
        "decay.floor: 2 is not within 0 to 1",
        "decay.at: \"yesterday\" is no time"}) {
    EXPECT_THAT(message, HasSubstr(part));
  }
  EXPECT_THAT(Error("decay { attribute: 'createdat' half_life_days: 1 }"),
              HasSubstr("did you mean \"created_at\"?"));
  for (const char* days : {"nan", "inf", "-1"}) {
    EXPECT_THAT(Error(std::string("decay { attribute: 'created_at' "
                                  "half_life_days: ") +
                      days + " }"),
                HasSubstr("decay.half_life_days: "));
  }
}

// What a condition came to is known from a filter with the same text.
TEST_F(BoostedRequestsTest, ConditionsShareTheCacheOfFilters) {
  ASSERT_TRUE(
      Retrieve(std::string(kByRank) + "filter { where: 'in_stock = true' }")
          .ok());
  ASSERT_EQ(metrics_.filter_misses.value(), 1);
  ASSERT_TRUE(Retrieve(std::string(kByRank) +
                       "boosts { where: 'brand = core' factor: 9 }")
                  .ok());
  EXPECT_EQ(response_.item_keys(0), "e");
  ASSERT_TRUE(
      Retrieve(std::string(kByRank) + "filter { where: 'brand = core' }").ok());
  EXPECT_THAT(response_.item_keys(), ElementsAre("e"));
  EXPECT_EQ(metrics_.filter_hits.value(), 1);
}

}  // namespace
}  // namespace tributary
