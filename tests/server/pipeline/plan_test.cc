#include "server/pipeline/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/text_format.h"
#include "server/pipeline/server_config.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/pipeline/scripted_retriever.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

v1::ServerConfig Config(const std::string& text = "") {
  v1::ServerConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "bundles: \"b\" " + text, &config));
  return CompleteServerConfig(config).value();
}

v1::RetrieveRequest Request(const std::string& text) {
  v1::RetrieveRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request))
      << text;
  return request;
}

class PlanTest : public testing::Test {
 protected:
  absl::Status Make(const v1::RetrieveRequest& request,
                    SteadyTime deadline = SteadyTime::max()) {
    return MakePlan(config_, *bundle_, request, now_, deadline, &plan_);
  }
  // Makes the plan; the request is kept, because the plan views it.
  const Plan& PlanFor(const std::string& text) {
    request_ = Request(text);
    const absl::Status status = Make(request_);
    EXPECT_TRUE(status.ok()) << status;
    return plan_;
  }
  std::vector<std::pair<std::string, uint32_t>> TargetsOf(
      const std::string& text) {
    std::vector<std::pair<std::string, uint32_t>> targets;
    for (const PlannedSource& source : PlanFor(text).sources) {
      targets.emplace_back(
          bundle_->retrievers()[static_cast<size_t>(source.retriever)]
              .spec->name(),
          source.target);
    }
    return targets;
  }

  v1::ServerConfig config_ = Config();
  std::shared_ptr<const ServingBundle> bundle_ = ServeScripted({});
  SteadyTime now_ = std::chrono::steady_clock::now();
  v1::RetrieveRequest request_;
  Plan plan_;
};

TEST_F(PlanTest, NamesTheFieldThatIsWrong) {
  config_ = Config(
      "limits { max_quotas: 3 max_recent_items: 2 max_exclusions: 2"
      " max_vector_dim: 3 max_key_bytes: 4 }");
  const std::pair<const char*, const char*> cases[] = {
      {"k: 2001", "k: 2001, limits.max_k is 2000"},
      {"bundle_version: 9", "bundle_version: "},
      {"user_key: 'abcde'", "user_key: 5 bytes"},
      {"segment: 'abcde'", "segment: 5 bytes"},
      {"quotas { key: 'a' value {} } quotas { key: 'b' value {} }"
       "quotas { key: 'c' value {} } quotas { key: 'd' value {} }",
       "quotas: 4 quotas"},
      {"quotas { key: 'who' value { target: 1 } }",
       "quotas[\"who\"]: no such retriever; version 1 has popularity, content, "
       "behavior"},
      {"quotas { key: 'content' value { target: 2001 } }",
       "quotas[\"content\"].target: "},
      {"quotas { key: 'content' value { target: 5 min: 6 } }",
       "quotas[\"content\"].min: "},
      {"quotas { key: 'content' value { target: 5 max: 4 } }",
       "quotas[\"content\"].max: "},
      {"k: 9 quotas { key: 'content' value { target: 5 min: 5 } }"
       "quotas { key: 'behavior' value { target: 5 min: 5 } }",
       "quotas: the sum of min, 10, is above k, 9"},
      {"fusion { k0: -1 }", "fusion.k0: "},
      {"fusion { k0: nan }", "fusion.k0: "},
      {"fusion { weights { key: 'who' value: 1 } }", "fusion.weights[\"who\"]"},
      {"fusion { weights { key: 'content' value: -1 } }",
       "fusion.weights[\"content\"]: "},
      {"vectors { key: 'who' value { values: 1 } }",
       "vectors[\"who\"]: no such space; version 1 has taste"},
      {"vectors { key: 'taste' value { values: [ 1, 2, 3, 4 ] } }",
       "vectors[\"taste\"].values: 4 values, limits.max_vector_dim is 3"},
      {"vectors { key: 'taste' value { values: [ 1, 2, 3 ] } }",
       "vectors[\"taste\"].values: 3 values, expected 2"},
      {"vectors { key: 'taste' value { values: [ 1, nan ] } }",
       "vectors[\"taste\"].values[1]: "},
      {"vectors { key: 'taste' value { values: [ -inf, 1 ] } }",
       "vectors[\"taste\"].values[0]: "},
      {"vectors { key: 'taste' value { values: [ 1, 1 ] fingerprint: 'x' } }",
       "vectors[\"taste\"].fingerprint: "},
      {"recent_item_ids: [ 1, 2, 3 ]", "recent_item_ids: 3 items"},
      {"recent_item_keys: [ '1', '2', '3' ]", "recent_item_keys: 3 items"},
      {"recent_item_keys: [ '1', '12345' ]", "recent_item_keys[1]: 5 bytes"},
      {"recent_item_keys: '1' recent_item_ids: 1", "recent_item_keys: "},
      {"filter { exclude_item_ids: [ 1, 2 ] exclude_item_keys: '3' }",
       "filter: 3 exclusions"},
      {"filter { exclude_item_keys: '12345' }",
       "filter.exclude_item_keys[0]: "},
  };
  for (const auto& [text, message] : cases) {
    const absl::Status status = Make(Request(text));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), StartsWith(message)) << text;
  }
  v1::RetrieveRequest request;
  request.set_view(static_cast<v1::View>(9));
  EXPECT_THAT(std::string(Make(request).message()), StartsWith("view: "));
  request.Clear();
  request.mutable_fusion()->set_policy(static_cast<v1::Fusion::Policy>(9));
  EXPECT_THAT(std::string(Make(request).message()),
              StartsWith("fusion.policy: "));
}

TEST_F(PlanTest, EchoesNamesToALimit) {
  v1::RetrieveRequest request;
  // 64 characters are shown.
  (*request.mutable_quotas())["x" + std::string(62, 'y') +
                              "\u00e4\u00e4\u00e4\u00e4"];
  const absl::Status status = Make(request);
  EXPECT_THAT(std::string(status.message()),
              StartsWith("quotas[\"x" + std::string(62, 'y') +
                         "\u00e4...\"]: no such retriever"));
}

TEST_F(PlanTest, AcceptsWhatIsAtTheLimit) {
  EXPECT_TRUE(
      Make(Request("k: 2000 quotas { key: 'content' value "
                   "{ target: 2000 min: 2000 max: 2000 } } bundle_version: 1"
                   " vectors { key: 'taste' value { values: [ 1, 0 ]"
                   " fingerprint: 'f00d' } }"))
          .ok());
}

TEST_F(PlanTest, SplitsKByTheConfiguredShares) {
  EXPECT_THAT(TargetsOf("k: 500"),
              ElementsAre(std::pair("behavior", 300), std::pair("content", 150),
                          std::pair("popularity", 50)));
  EXPECT_EQ(plan_.fusion.k, 500);
  EXPECT_THAT(TargetsOf(""),
              ElementsAre(std::pair("behavior", 300), std::pair("content", 150),
                          std::pair("popularity", 50)));
}

TEST_F(PlanTest, RoundedTargetsAddUpToK) {
  for (uint32_t k = 1; k <= 300; ++k) {
    uint32_t sum = 0;
    for (const auto& [name, target] : TargetsOf("k: " + std::to_string(k))) {
      sum += target;
    }
    ASSERT_EQ(sum, k);
  }
  // Shares of .6, .3 and .1: the largest remainder gets the one candidate.
  EXPECT_THAT(TargetsOf("k: 1"),
              ElementsAre(std::pair("behavior", 1), std::pair("content", 0),
                          std::pair("popularity", 0)));
}

TEST_F(PlanTest, SharesBelowOneLeaveRoomForBackfill) {
  config_ = Config(
      "defaults { quotas { retriever: 'content' share: .5 }"
      "           quotas { retriever: 'behavior' share: .25 } }");
  EXPECT_THAT(TargetsOf("k: 100"),
              ElementsAre(std::pair("content", 50), std::pair("behavior", 25)));
}

TEST_F(PlanTest, AMissingRetrieversShareIsSplitInProportion) {
  bundle_ = ServeScripted({}, {.retrievers = {"popularity", "behavior"}});
  EXPECT_THAT(TargetsOf("k: 700"), ElementsAre(std::pair("behavior", 600),
                                               std::pair("popularity", 100)));
}

TEST_F(PlanTest, VectorRetrieversOfOtherNamesGetTheSharesOfMissingOnes) {
  // Its retrievers are "taste" and "popularity".
  const auto bundle = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  bundle_ = ServingBundle::Open(*bundle, RetrieverRegistry::BuiltIn()).value();
  EXPECT_THAT(TargetsOf("k: 100"),
              ElementsAre(std::pair("taste", 90), std::pair("popularity", 10)));
}

TEST_F(PlanTest, ABundleWithNoneOfTheConfiguredRetrieversSplitsKEvenly) {
  bundle_ = ServeScripted({}, {.retrievers = {"x", "y", "z"}});
  EXPECT_THAT(
      TargetsOf("k: 10"),
      ElementsAre(std::pair("x", 4), std::pair("y", 3), std::pair("z", 3)));
}

TEST_F(PlanTest, AsksOnlyTheRetrieversWithAQuota) {
  EXPECT_THAT(TargetsOf("k: 10 quotas { key: 'popularity' value { target: 7 } }"
                        "quotas { key: 'content' value { target: 2 } }"),
              ElementsAre(std::pair("content", 2), std::pair("popularity", 7)));
}

TEST_F(PlanTest, OrdersSourcesByConfigurationThenManifest) {
  bundle_ =
      ServeScripted({}, {.retrievers = {"z", "content", "a", "behavior"}});
  EXPECT_THAT(TargetsOf("k: 10 quotas { key: 'a' value { target: 1 } }"
                        "quotas { key: 'behavior' value { target: 2 } }"
                        "quotas { key: 'z' value { target: 3 } }"),
              ElementsAre(std::pair("behavior", 2), std::pair("z", 3),
                          std::pair("a", 1)));
}

TEST_F(PlanTest, WeighsByRequestThenConfigurationThenTarget) {
  config_ = Config(
      "defaults { fusion { policy: RRF k0: 7 weights { key: 'content'"
      " value: 5 } weights { key: 'behavior' value: 6 } } }");
  PlanFor("k: 100 fusion { weights { key: 'behavior' value: 9 } }");
  EXPECT_EQ(plan_.fusion.policy, FusionPolicy::kRrf);
  EXPECT_EQ(plan_.fusion.k0, 7);
  EXPECT_EQ(plan_.sources[0].weight, 9);
  EXPECT_EQ(plan_.sources[1].weight, 5);
  EXPECT_EQ(plan_.sources[2].weight, 10);
  PlanFor("fusion { policy: INTERLEAVE k0: 8 }");
  EXPECT_EQ(plan_.fusion.policy, FusionPolicy::kInterleave);
  EXPECT_EQ(plan_.fusion.k0, 8);
}

TEST_F(PlanTest, EverySourceCouldFillTheListAlone) {
  PlanFor(
      "k: 50 quotas { key: 'content' value { target: 5 } }"
      "quotas { key: 'behavior' value { target: 60 } }");
  EXPECT_EQ(plan_.sources[0].asked, 60);
  EXPECT_EQ(plan_.sources[1].asked, 50);
}

// "cold" for cold users, "all" for the others.
v1::FusionModel TwoSegments() {
  v1::FusionModel model;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "segments { name: 'cold' max_history: 0"
      "           weights { key: 'popularity' value: 2 } }"
      "segments { name: 'all' weights { key: 'behavior' value: 3 }"
      "           weights { key: 'content' value: .5 } }"
      "quotas { retriever: 'content' share: .5 }"
      "quotas { retriever: 'popularity' share: .25 }",
      &model));
  return model;
}

TEST_F(PlanTest, TheBundlesModelHasWeightsByLengthOfHistory) {
  bundle_ = ServeScripted({}, {.fusion = TwoSegments()});
  PlanFor("k: 100");
  EXPECT_TRUE(plan_.fusion.has_model);
  ASSERT_EQ(plan_.sources.size(), 2);
  EXPECT_EQ(plan_.sources[0].target, 50);
  EXPECT_EQ(plan_.sources[1].target, 25);
  // The segment has no weight for it: just enough to order its own proposals.
  EXPECT_LT(plan_.sources[0].weight, .01);
  EXPECT_GT(plan_.sources[0].weight, 0);
  EXPECT_EQ(plan_.sources[1].weight, 2);
  PlanFor("user_id: 1");
  EXPECT_EQ(plan_.sources[0].weight, .5);
  PlanFor("recent_item_ids: [ 1003 ]");
  EXPECT_EQ(plan_.sources[0].weight, .5);
}

TEST_F(PlanTest, AConfiguredModelReplacesTheBundles) {
  bundle_ = ServeScripted({}, {.fusion = TwoSegments()});
  config_ = Config(
      "defaults { fusion_model { segments { weights { key: 'behavior'"
      " value: 4 } } quotas { retriever: 'behavior' share: 1 } } }");
  PlanFor("k: 100");
  ASSERT_EQ(plan_.sources.size(), 1);
  EXPECT_EQ(plan_.sources[0].weight, 4);
  EXPECT_EQ(plan_.sources[0].target, 100);
}

TEST_F(PlanTest, ConfiguredQuotasComeBeforeTheModels) {
  bundle_ = ServeScripted({}, {.fusion = TwoSegments()});
  config_ = Config("defaults { quotas { retriever: 'behavior' share: .75 } }");
  PlanFor("k: 100 user_id: 1");
  ASSERT_EQ(plan_.sources.size(), 1);
  EXPECT_EQ(plan_.sources[0].target, 75);
  EXPECT_EQ(plan_.sources[0].weight, 3);
}

TEST_F(PlanTest, OtherPoliciesAndRequestedWeightsDoNotUseTheModel) {
  bundle_ = ServeScripted({}, {.fusion = TwoSegments()});
  PlanFor("fusion { policy: RRF }");
  EXPECT_FALSE(plan_.fusion.has_model);
  PlanFor("fusion { weights { key: 'content' value: 9 } }");
  EXPECT_FALSE(plan_.fusion.has_model);
}

TEST_F(PlanTest, FindsUsersAndItemsByEitherKindOfKey) {
  for (const v1::KeyKind kind : {v1::UINT64, v1::UTF8}) {
    bundle_ = ServeScripted({}, {.item_keys = kind, .user_keys = kind});
    EXPECT_EQ(PlanFor("user_id: 2").query.user, 1);
    EXPECT_EQ(PlanFor("user_key: '2'").query.user, 1);
    EXPECT_EQ(PlanFor("user_key: 'two'").query.user, kNoRow);
    EXPECT_EQ(PlanFor("user_id: 4").query.user, kNoRow);
    EXPECT_THAT(PlanFor("recent_item_ids: [ 1005, 7, 1003 ]").history,
                ElementsAre(5, 3));
    EXPECT_EQ(plan_.unknown_items, 1);
    EXPECT_THAT(PlanFor("recent_item_keys: [ '1005', 'x', '1003' ]").history,
                ElementsAre(5, 3));
    EXPECT_EQ(plan_.unknown_items, 1);
  }
}

TEST_F(PlanTest, ExcludesSeenRecentAndFilteredItemsOnce) {
  EXPECT_THAT(PlanFor("user_id: 1 recent_item_ids: [ 1009, 1001, 5 ]"
                      "filter { exclude_item_ids: [ 1007, 1009, 6 ]"
                      " exclude_item_keys: [ '1002', 'x' ] }")
                  .excluded,
              ElementsAre(0, 1, 2, 7, 9));
  EXPECT_EQ(plan_.unknown_items, 3);
  EXPECT_THAT(PlanFor("user_id: 2").excluded, IsEmpty());
  EXPECT_EQ(plan_.unknown_items, 0);
}

TEST_F(PlanTest, IncludeSeenKeepsSeenItems) {
  EXPECT_THAT(PlanFor("user_id: 1 include_seen: true recent_item_ids: 1009"
                      " filter { exclude_item_ids: 1007 }")
                  .excluded,
              ElementsAre(7));
  EXPECT_THAT(plan_.history, ElementsAre(9));
}

TEST_F(PlanTest, ColdStartMeansNoUserNoVectorsAndNoHistory) {
  EXPECT_TRUE(PlanFor("").cold_start);
  EXPECT_TRUE(PlanFor("user_id: 99").cold_start);
  EXPECT_TRUE(PlanFor("user_id: 99 recent_item_ids: 5").cold_start);
  EXPECT_FALSE(PlanFor("user_id: 1").cold_start);
  EXPECT_FALSE(PlanFor("user_id: 99 recent_item_ids: 1005").cold_start);
  EXPECT_FALSE(PlanFor("vectors { key: 'taste' value { values: [ 1, 0 ] } }")
                   .cold_start);
}

TEST_F(PlanTest, TakesTheRequestsSegmentBeforeTheStoredOne) {
  EXPECT_EQ(PlanFor("user_id: 2").query.segment, 1);
  EXPECT_EQ(PlanFor("user_id: 1").query.segment, 0);
  EXPECT_EQ(PlanFor("user_id: 1 segment: 'plan=gold'").query.segment, 1);
  EXPECT_EQ(PlanFor("user_id: 2 segment: 'plan=none'").query.segment, 0);
}

TEST_F(PlanTest, KnowsAnUnknownSegment) {
  EXPECT_TRUE(PlanFor("user_id: 2 segment: 'plan=none'").segment_unknown);
  // A list, but not one of a segment.
  EXPECT_TRUE(PlanFor("segment: 'all'").segment_unknown);
  EXPECT_FALSE(PlanFor("user_id: 1 segment: 'plan=gold'").segment_unknown);
  EXPECT_FALSE(PlanFor("user_id: 1").segment_unknown);
}

TEST_F(PlanTest, TakesTheEarlierDeadline) {
  const auto configured = now_ + std::chrono::milliseconds(100);
  ASSERT_TRUE(Make(Request("")).ok());
  EXPECT_EQ(plan_.query.deadline, configured);
  const auto earlier = configured - std::chrono::milliseconds(1);
  ASSERT_TRUE(Make(Request(""), earlier).ok());
  EXPECT_EQ(plan_.query.deadline, earlier);
}

TEST_F(PlanTest, APlanKeepsNothingOfTheRequestBefore) {
  PlanFor(
      "user_id: 1 recent_item_ids: 1005 view: FULL"
      " vectors { key: 'taste' value { values: [ 1, 0 ] } }");
  EXPECT_EQ(plan_.query.vectors.size(), 1);
  PlanFor("");
  EXPECT_THAT(plan_.history, IsEmpty());
  EXPECT_THAT(plan_.excluded, IsEmpty());
  EXPECT_TRUE(plan_.query.vectors.empty());
  EXPECT_EQ(plan_.sources.size(), 3);
  EXPECT_FALSE(plan_.full_view);
}

std::vector<std::string> LeftOut(v1::ServiceLevel level, Scripts scripts,
                                 const v1::FusionModel& model = {}) {
  ScriptedBundleOptions options;
  options.fusion = model;
  const auto bundle = ServeScripted(std::move(scripts), options);
  RetrieveOptions given;
  given.level = level;
  const v1::RetrieveRequest request;
  Plan plan;
  EXPECT_TRUE(MakePlan(Config(), *bundle, request,
                       std::chrono::steady_clock::now(), given, &plan)
                  .ok());
  std::vector<std::string> names;
  for (const PlannedSource& source : plan.sources) {
    if (source.left_out) names.push_back(bundle->NameOf(source.retriever));
  }
  return names;
}

Scripts Costly(uint32_t behavior_us, uint32_t content_us,
               uint32_t popularity_us) {
  Scripts scripts;
  scripts["behavior"].expected_us = behavior_us;
  scripts["content"].expected_us = content_us;
  scripts["popularity"].expected_us = popularity_us;
  return scripts;
}

TEST_F(PlanTest, LessEffortIsOfEveryLevelButTheFirst) {
  RetrieveOptions options;
  const v1::RetrieveRequest request;
  ASSERT_TRUE(MakePlan(config_, *bundle_, request, now_, options, &plan_).ok());
  EXPECT_EQ(plan_.query.effort, 1);
  options.level = v1::LESS_EFFORT;
  ASSERT_TRUE(MakePlan(config_, *bundle_, request, now_, options, &plan_).ok());
  EXPECT_LT(plan_.query.effort, 1);
  EXPECT_EQ(plan_.level, v1::LESS_EFFORT);
}

TEST(LeaveOut, FewerSourcesLeavesOutThoseThatAddLeast) {
  const Scripts scripts = Costly(400, 500, 10);
  EXPECT_THAT(LeftOut(v1::FULL_SERVICE, scripts), IsEmpty());
  EXPECT_THAT(LeftOut(v1::LESS_EFFORT, scripts), IsEmpty());
  // By the targets, .6 and .3 of k.
  EXPECT_THAT(LeftOut(v1::FEWER_SOURCES, scripts), ElementsAre("content"));
  v1::FusionModel measured;
  for (const auto& [name, k, recall] : {std::tuple{"behavior", 500, .01},
                                        {"behavior", 20, .5},
                                        {"content", 500, .2},
                                        {"content", 20, .1}}) {
    v1::Contribution* const one = measured.add_contributions();
    one->set_retriever(name);
    one->set_k(static_cast<uint32_t>(k));
    one->set_recall(recall);
  }
  EXPECT_THAT(LeftOut(v1::FEWER_SOURCES, scripts, measured),
              ElementsAre("behavior"));
}

TEST(LeaveOut, PopularityOnlyAsksWhatCostsNearlyNothing) {
  EXPECT_THAT(LeftOut(v1::POPULARITY_ONLY, Costly(400, 500, 10)),
              ElementsAre("behavior", "content"));
  // Something is always asked: the cheapest.
  EXPECT_THAT(LeftOut(v1::POPULARITY_ONLY, Costly(400, 500, 450)),
              ElementsAre("content", "popularity"));
  EXPECT_THAT(LeftOut(v1::POPULARITY_ONLY, Costly(0, 0, 0)), IsEmpty());
}

}  // namespace
}  // namespace tributary
