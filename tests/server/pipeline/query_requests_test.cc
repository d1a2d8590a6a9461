// Requests with items as the query, several vectors, weights of recent items
// and diversity, from the plan to the reply.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fmt/core.h"
#include "google/protobuf/text_format.h"
#include "server/pipeline/live_recall.h"
#include "server/pipeline/owned_query.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/server_config.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/pipeline/scripted_retriever.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr char kTaste[] = "quotas { key: 'taste' value { target: 6 } } ";

// Items a to f, of which all but f have vectors: (1, 5), (2, 4), (3, 3),
// (4, 2), (5, 1). User 10 has the vector (1, 0) and has seen a and b.
class QueryRequestsTest : public testing::Test {
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
    config.mutable_limits()->set_max_recent_items(5);
    config.mutable_limits()->set_max_k(100);
    config.mutable_defaults()->set_k(10);
    return CompleteServerConfig(config).value();
  }
  static v1::RetrieveRequest Request(const std::string& text) {
    v1::RetrieveRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request))
        << text;
    return request;
  }
  const v1::RetrieveResponse& Retrieve(const std::string& text) {
    const absl::Status status = pipeline_.Retrieve(
        bundle_, Request(text), SteadyTime::max(), &response_);
    EXPECT_TRUE(status.ok()) << status;
    return response_;
  }
  std::string Error(const std::string& text) {
    const absl::Status status = pipeline_.Retrieve(
        bundle_, Request(text), SteadyTime::max(), &response_);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    return std::string(status.message());
  }
  // The keys of the list of the space alone.
  std::vector<std::string> Keys(const std::string& text) {
    const auto& keys = Retrieve("k: 6 " + std::string(kTaste) + text);
    return {keys.item_keys().begin(), keys.item_keys().end()};
  }

  const Pipeline pipeline_{Config(), nullptr, nullptr, nullptr};
  std::shared_ptr<const ServingBundle> bundle_;
  v1::RetrieveResponse response_;
};

TEST_F(QueryRequestsTest, MoreLikeThisNeedsNoUser) {
  EXPECT_THAT(Keys("like { item_key: 'e' }"), ElementsAre("d", "c", "b", "a"));
  EXPECT_FALSE(response_.cold_start());
  EXPECT_THAT(Keys("like { item_key: 'a' }"), ElementsAre("b", "c", "d", "e"));
  EXPECT_THAT(Keys("unlike { item_key: 'a' }"),
              ElementsAre("e", "d", "c", "b"));
  EXPECT_TRUE(response_.cold_start());
}

TEST_F(QueryRequestsTest, LikedAndUnlikedItemsAreExcluded) {
  EXPECT_THAT(Keys("like { item_key: 'e' } unlike { item_key: 'a' }"),
              ElementsAre("d", "c", "b"));
  EXPECT_THAT(Keys("like { item_key: 'e' } unlike { item_key: 'a' } "
                   "include_seen: true"),
              ElementsAre("e", "d", "c", "b", "a"));
}

TEST_F(QueryRequestsTest, WithAUserBothCount) {
  // (1, 0) and the unit vector of a, (.2, .98): the second weighs more.
  EXPECT_THAT(Keys("user_id: 10 include_seen: true"),
              ElementsAre("e", "d", "c", "b", "a"));
  EXPECT_THAT(Keys("user_id: 10 include_seen: true "
                   "like { item_key: 'a' weight: 3 }"),
              ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(Keys("user_id: 10 include_seen: true "
                   "like { item_key: 'a' weight: 0.1 }"),
              ElementsAre("e", "d", "c", "b", "a"));
  EXPECT_THAT(Keys("user_id: 10 like { item_key: 'c' }"),
              ElementsAre("e", "d"));
}

TEST_F(QueryRequestsTest, AWeightOfZeroStandsForOne) {
  const auto with_one = Retrieve(
      "k: 6 include_seen: true like { item_key: 'a' weight: 1 } "
      "like { item_key: 'e' weight: 2 }" +
      std::string(kTaste) + " view: FULL");
  const auto without = Retrieve(
      "k: 6 include_seen: true like { item_key: 'a' } "
      "like { item_key: 'e' weight: 2 }" +
      std::string(kTaste) + " view: FULL");
  EXPECT_EQ(with_one.source_reports(0).raw_scores(0),
            without.source_reports(0).raw_scores(0));
  EXPECT_EQ(with_one.item_keys(0), "e");
}

TEST_F(QueryRequestsTest, UnknownItemsAreCounted) {
  Retrieve(
      "like { item_key: 'x' } like { item_id: 8 } "
      "unlike { item_key: 'y' } recent_item_keys: 'z'");
  EXPECT_EQ(response_.unknown_items(), 4);
  EXPECT_TRUE(response_.cold_start());
  Retrieve("like { item_key: 'x' } like { item_key: 'f' }");
  EXPECT_EQ(response_.unknown_items(), 1);
  EXPECT_FALSE(response_.cold_start());
}

TEST_F(QueryRequestsTest, WithoutAVectorThereIsNoQuery) {
  for (const char* text : {"like { item_key: 'f' }",
                           "like { item_key: 'b' weight: 2 } unlike { "
                           "item_key: 'b' weight: 2 }"}) {
    Retrieve(std::string(text) + kTaste);
    ASSERT_EQ(response_.source_reports_size(), 1);
    EXPECT_EQ(response_.source_reports(0).cause(), v1::NO_QUERY) << text;
    EXPECT_THAT(response_.item_keys(), IsEmpty());
  }
}

TEST_F(QueryRequestsTest, RecentItemsCountByTheirWeights) {
  EXPECT_THAT(Keys("recent_item_keys: ['a', 'e'] include_seen: true "
                   "recent_item_weights: [1, 3]"),
              ElementsAre("e", "d", "c", "b", "a"));
  EXPECT_THAT(Keys("recent_item_keys: ['a', 'e'] include_seen: true "
                   "recent_item_weights: [3, 1]"),
              ElementsAre("a", "b", "c", "d", "e"));
  // The weight of an unknown item goes with it.
  EXPECT_THAT(Keys("recent_item_keys: ['a', 'nothing', 'e'] "
                   "include_seen: true recent_item_weights: [1, 900, 3]"),
              ElementsAre("e", "d", "c", "b", "a"));
  EXPECT_EQ(response_.unknown_items(), 1);
}

TEST_F(QueryRequestsTest, EachQueryBringsItsBest) {
  EXPECT_THAT(Keys("queries { space: 'taste' values: [1, 0] } "
                   "queries { space: 'taste' values: [0, 1] }"),
              ElementsAre("a", "e", "b", "d", "c"));
  EXPECT_FALSE(response_.cold_start());
  EXPECT_THAT(Keys("queries { space: 'taste' values: [1, 0] weight: 2 } "
                   "queries { space: 'taste' values: [0, 1] }"),
              ElementsAre("e", "d", "c", "a", "b"));
  // With those of `vectors`, and instead of the user's.
  EXPECT_THAT(Keys("user_id: 10 include_seen: true "
                   "queries { space: 'taste' values: [0, 1] } "
                   "vectors { key: 'taste' value { values: [1, 0] } }"),
              ElementsAre("a", "e", "b", "d", "c"));
  EXPECT_THAT(Keys("user_id: 10 include_seen: true "
                   "queries { space: 'taste' values: [0, 1] fingerprint: "
                   "'f00d' }"),
              ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(Keys("filter { where: 'brand = acme' } "
                   "queries { space: 'taste' values: [1, 0] } "
                   "queries { space: 'taste' values: [0, 1] }"),
              ElementsAre("a", "c"));
}

TEST_F(QueryRequestsTest, ErrorsNameTheField) {
  EXPECT_THAT(Error("like {}"), HasSubstr("like[0]: neither item_id nor"));
  EXPECT_THAT(Error("like { item_key: 'a' } unlike { weight: 1 }"),
              HasSubstr("unlike[0]: neither item_id nor"));
  for (const char* weight : {"-1", "1000.5", "nan", "inf"}) {
    EXPECT_THAT(
        Error(fmt::format("like {{ item_key: 'a' weight: {} }}", weight)),
        HasSubstr("like[0].weight: "));
    EXPECT_THAT(
        Error(fmt::format("unlike {{ item_key: 'a' weight: {} }}", weight)),
        HasSubstr("unlike[0].weight: "));
    EXPECT_THAT(Error(fmt::format("recent_item_keys: 'a' "
                                  "recent_item_weights: {}",
                                  weight)),
                HasSubstr("recent_item_weights[0]: "));
    EXPECT_THAT(Error(fmt::format("queries {{ space: 'taste' values: [1, 1] "
                                  "weight: {} }}",
                                  weight)),
                HasSubstr("queries[0].weight: "));
  }
  EXPECT_THAT(Error("like { item_key: '" + std::string(600, 'x') + "' }"),
              HasSubstr("like[0].item_key: 600 bytes, limits.max_key_bytes"));
  std::string six;
  for (int i = 0; i < 3; ++i) {
    six += "like { item_key: 'a' } unlike { item_key: 'b' } ";
  }
  EXPECT_THAT(Error(six), HasSubstr("like: 6 items with those of unlike, "
                                    "limits.max_recent_items is 5"));
  EXPECT_THAT(Error("recent_item_keys: ['a', 'b'] recent_item_weights: 1"),
              HasSubstr("recent_item_weights: 1 weights for 2 recent items"));
  EXPECT_THAT(Error("recent_item_weights: 1"),
              HasSubstr("recent_item_weights: 1 weights for 0 recent items"));
}

TEST_F(QueryRequestsTest, QueriesAreCheckedAsVectorsAre) {
  EXPECT_THAT(Error("queries { space: 'tsate' values: [1, 0] }"),
              HasSubstr("queries[0].space: no such space; version 1 has "
                        "taste"));
  EXPECT_THAT(Error("queries { space: 'taste' values: [1, 0] } "
                    "queries { space: 'taste' values: 1 }"),
              HasSubstr("queries[1].values: 1 values, expected 2"));
  EXPECT_THAT(Error("queries { space: 'taste' }"),
              HasSubstr("queries[0].values: 0 values, expected 2"));
  EXPECT_THAT(Error("queries { space: 'taste' values: [1, nan] }"),
              HasSubstr("queries[0].values[1]: nan is not a finite number"));
  EXPECT_THAT(Error("queries { space: 'taste' values: [0, 0] }"),
              HasSubstr("queries[0].values: every value is 0"));
  EXPECT_THAT(Error("queries { space: 'taste' values: [1, 0] fingerprint: "
                    "'beef' }"),
              HasSubstr("queries[0].fingerprint: the vector is of another "
                        "model; version 1 has \"f00d\""));
  EXPECT_THAT(Error("vectors { key: 'taste' value { values: 1 } }"),
              HasSubstr("vectors[\"taste\"].values: 1 values, expected 2"));
  EXPECT_THAT(Error("vectors { key: 'x' value { values: 1 } }"),
              HasSubstr("vectors[\"x\"]: no such space"));
  std::string many = "vectors { key: 'taste' value { values: [1, 0] } }";
  for (int i = 0; i < 16; ++i) {
    many += "queries { space: 'taste' values: [1, 0] }";
  }
  EXPECT_THAT(Error(many), HasSubstr("queries: 17 vectors with those of"));
}

TEST_F(QueryRequestsTest, DiversityIsChecked) {
  EXPECT_THAT(Error("diversity { lambda: 0.5 }"),
              HasSubstr("diversity.space: no such space; version 1 has taste"));
  for (const char* lambda : {"-0.01", "1.01", "nan", "inf", "-inf"}) {
    EXPECT_THAT(
        Error(fmt::format("diversity {{ space: 'taste' lambda: {} }}", lambda)),
        HasSubstr("diversity.lambda: "));
  }
}

TEST_F(QueryRequestsTest, ADiverseListAlternatesBetweenItsEnds) {
  // By (1, 0): e, d, c, b, a. a is furthest from e.
  const std::string query =
      "vectors { key: 'taste' value { values: [1, 0] } } k: 3 "
      "fusion { policy: WEIGHTED } quotas { key: 'taste' value { target: 0 } "
      "} ";
  EXPECT_THAT(Retrieve(query).item_keys(), ElementsAre("e", "d", "c"));
  EXPECT_EQ(response_.source_reports(0).asked(), 3);
  Retrieve(query + "diversity { space: 'taste' lambda: 0.1 }");
  EXPECT_THAT(response_.item_keys(), ElementsAre("e", "a", "c"));
  EXPECT_EQ(response_.source_reports(0).asked(), 12);
  EXPECT_FLOAT_EQ(response_.scores(0), response_.scores(2) * 2);
  EXPECT_EQ(response_.scores(1), 0);
  EXPECT_THAT(
      Retrieve(query + "diversity { space: 'taste' lambda: 1 }").item_keys(),
      ElementsAre("e", "d", "c"));
  // The next request of the thread has none.
  EXPECT_THAT(Retrieve(query).item_keys(), ElementsAre("e", "d", "c"));
  EXPECT_EQ(response_.source_reports(0).asked(), 3);
}

TEST_F(QueryRequestsTest, CapsApplyWhileADiverseListIsChosen) {
  // a and c are of acme, b and f of bolt, e of core, d of none.
  Retrieve(
      "vectors { key: 'taste' value { values: [1, 0] } } k: 3 "
      "fusion { policy: WEIGHTED } quotas { key: 'taste' value { target: 0 } } "
      "diversity { space: 'taste' lambda: 0.1 } "
      "caps { attribute: 'brand' max: 1 }");
  EXPECT_THAT(response_.item_keys(), ElementsAre("e", "a", "d"));
  EXPECT_EQ(response_.caps(0).rejected(), 1);
}

TEST_F(QueryRequestsTest, SourcesAreAskedForThePoolWithinTheLimits) {
  bundle_ = ServeScripted({{"behavior", {.rows = Rows(0, 1000)}}},
                          {.retrievers = {"behavior"}});
  const auto asked = [&](const std::string& text) {
    return Retrieve(text).source_reports(0).asked();
  };
  const std::string diversity = "diversity { space: 'taste' lambda: 0.5 } ";
  EXPECT_EQ(asked("k: 20"), 20);
  EXPECT_EQ(asked("k: 20 " + diversity), 80);
  EXPECT_EQ(asked("k: 25 " + diversity), 100);
  EXPECT_EQ(asked("k: 60 " + diversity), 100);
  EXPECT_EQ(response_.scores_size(), 60);
}

TEST_F(QueryRequestsTest, UnderOverloadThePoolIsHardlyLongerThanTheList) {
  bundle_ = ServeScripted({{"behavior", {.rows = Rows(0, 1000)}}},
                          {.retrievers = {"behavior"}});
  const v1::RetrieveRequest request =
      Request("k: 20 diversity { space: 'taste' lambda: 0.5 }");
  RetrieveOptions options;
  options.level = v1::LESS_EFFORT;
  ASSERT_TRUE(pipeline_.Retrieve(bundle_, request, options, &response_).ok());
  EXPECT_EQ(response_.source_reports(0).asked(), 25);
  EXPECT_EQ(response_.scores_size(), 20);
}

// A source that takes all the time leaves none to choose in.
TEST_F(QueryRequestsTest, ADiverseListThatTheDeadlineStopsGoesByScore) {
  using std::chrono::milliseconds;
  SteadyTime deadline = SteadyTime::min();
  Script slow{.rows = Rows(0, 1000)};
  slow.on_retrieve = [&](const RetrieverQuery&) {
    std::this_thread::sleep_until(deadline + milliseconds(1));
  };
  bundle_ = ServeScripted({{"behavior", slow}}, {.retrievers = {"behavior"}});
  const v1::RetrieveRequest request =
      Request("k: 3 diversity { space: 'taste' lambda: 0 }");
  ServerMetrics metrics;
  metrics.MadeResident(bundle_->bundle().manifest());
  const Pipeline pipeline(Config(), nullptr, &metrics, nullptr);
  deadline = std::chrono::steady_clock::now() + milliseconds(200);
  ASSERT_TRUE(pipeline.Retrieve(bundle_, request, deadline, &response_).ok());
  EXPECT_THAT(response_.item_ids(), ElementsAre(1000, 1001, 1002));
  EXPECT_TRUE(response_.degraded());
  EXPECT_EQ(metrics.diversity_stopped.value(), 1);
  EXPECT_EQ(metrics.diversity_seconds.Read().sample_count, 1);
  ASSERT_TRUE(
      pipeline.Retrieve(bundle_, request, SteadyTime::max(), &response_).ok());
  EXPECT_FALSE(response_.degraded());
  EXPECT_EQ(metrics.diversity_stopped.value(), 1);
  EXPECT_EQ(metrics.diversity_seconds.Read().sample_count, 2);
}

// What outlives a request, for late sources and for live recall.
TEST(OwnedQuery, OwnsAllThatTheQueryViews) {
  std::unique_ptr<OwnedQuery> owned;
  {
    const std::vector<Row> history = {1, 2};
    const std::vector<float> weights = {.5F, 3};
    const std::vector<WeightedRow> liked = {{3, 1}};
    const std::vector<WeightedRow> unliked = {{4, 2}, {5, 1}};
    const std::string name = "a space";
    const std::vector<float> one = {1, 2}, other = {3};
    const std::vector<SpaceVector> vectors = {{name, one, 4}, {name, other, 5}};
    owned =
        std::make_unique<OwnedQuery>(RetrieverQuery{.history = history,
                                                    .history_weights = weights,
                                                    .liked = liked,
                                                    .unliked = unliked,
                                                    .vectors = vectors});
  }
  const RetrieverQuery& view = owned->view();
  EXPECT_THAT(view.history, ElementsAre(1, 2));
  EXPECT_THAT(view.history_weights, ElementsAre(.5F, 3));
  EXPECT_THAT(view.liked, ElementsAre(WeightedRow{3, 1}));
  EXPECT_THAT(view.unliked, ElementsAre(WeightedRow{4, 2}, WeightedRow{5, 1}));
  ASSERT_EQ(view.vectors.size(), 2);
  EXPECT_EQ(view.vectors[0].space, "a space");
  EXPECT_THAT(view.vectors[0].values, ElementsAre(1, 2));
  EXPECT_EQ(view.vectors[0].weight, 4);
  EXPECT_THAT(view.vectors[1].values, ElementsAre(3));
  EXPECT_EQ(view.vectors[1].weight, 5);
}

}  // namespace
}  // namespace tributary
