#include "server/explain/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "google/rpc/error_details.pb.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/server_config.h"
#include "server/pipeline/violations.h"
#include "server/versions/live_items.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/pipeline/scripted_retriever.h"

namespace tributary {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kPopularityByRank[] =
    "quotas { key: 'popularity' value { target: 0 } } fusion { policy: RRF } ";

class ExplainTest : public testing::Test {
 protected:
  static v1::ServerConfig Config(uint32_t max_k, uint32_t max_items = 16) {
    v1::ServerConfig config;
    config.set_bundles("b");
    config.mutable_limits()->set_max_k(max_k);
    config.mutable_limits()->set_max_explained_items(max_items);
    config.mutable_defaults()->set_k(10);
    config.mutable_defaults()->set_deadline_ms(60'000);
    return CompleteServerConfig(config).value();
  }
  static v1::RetrieveRequest Request(const std::string& text) {
    v1::RetrieveRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request))
        << text;
    return request;
  }
  void ServeTiny() {
    const auto opened = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
    ASSERT_TRUE(opened.ok()) << opened.status();
    auto serving = ServingBundle::Open(*opened, RetrieverRegistry::BuiltIn());
    ASSERT_TRUE(serving.ok()) << serving.status();
    bundle_ = *std::move(serving);
  }

  absl::StatusOr<v1::ExplainResponse> Ask(
      const std::string& text, const std::vector<std::string>& keys,
      const ExplainTerms& terms = {}) const {
    v1::ExplainRequest request;
    *request.mutable_request() = Request(text);
    for (const std::string& key : keys) request.add_item_keys(key);
    return Explainer(config_).Explain({bundle_, LabelName()}, request, terms);
  }
  v1::ItemExplanation Why(const std::string& text,
                          const std::string& key) const {
    const auto response = Ask(text, {key});
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? response->items(0) : v1::ItemExplanation();
  }
  std::vector<std::string> Retrieved(const v1::RetrieveRequest& request) const {
    v1::RetrieveResponse response;
    const absl::Status status = Pipeline(config_, nullptr, nullptr, nullptr)
                                    .Retrieve(bundle_, request, {}, &response);
    EXPECT_TRUE(status.ok()) << status;
    std::vector<std::string> keys(response.item_keys().begin(),
                                  response.item_keys().end());
    for (const uint64_t id : response.item_ids()) {
      keys.push_back(std::to_string(id));
    }
    return keys;
  }

  v1::ServerConfig config_ = Config(400);
  std::shared_ptr<const ServingBundle> bundle_;
};

TEST_F(ExplainTest, ACandidateHasItsRankAndSources) {
  bundle_ = ServeScripted(
      {{"behavior", {.rows = {5, 6, 7}}}, {"popularity", {.rows = {9, 6}}}});
  const std::string text =
      "quotas { key: 'behavior' value { target: 0 } } "
      "quotas { key: 'popularity' value { target: 0 } } k: 3 "
      "fusion { policy: RRF k0: 10 weights { key: 'behavior' value: 2 } "
      "weights { key: 'popularity' value: 1 } }";
  const v1::ItemExplanation item = Why(text, "1006");
  EXPECT_EQ(item.verdict(), v1::IN_THE_LIST);
  EXPECT_EQ(item.item_key(), "1006");
  EXPECT_EQ(item.rank(), 1);
  EXPECT_EQ(item.fused_rank(), 1);
  EXPECT_FALSE(item.has_remedy());
  EXPECT_EQ(item.sentence(),
            "It is rank 1 of the 3 candidates, proposed by behavior (rank 2) "
            "and popularity (rank 2).");
  ASSERT_EQ(item.sources_size(), 2);
  EXPECT_EQ(item.sources(0).name(), "behavior");
  EXPECT_EQ(item.sources(0).proposed_rank(), 2);
  EXPECT_EQ(item.sources(0).asked(), 3);
  EXPECT_NEAR(item.sources(0).contribution(), 2. / 12, 1e-6);
  EXPECT_NEAR(item.sources(1).contribution(), 1. / 12, 1e-6);
  EXPECT_NEAR(item.fused_score(), 3. / 12, 1e-6);
  EXPECT_EQ(item.factor(), 1);
}

TEST_F(ExplainTest, AnItemBeyondTheListIsReachedByAQuotaOrK) {
  // popularity fills what behavior leaves of the list.
  bundle_ = ServeScripted({{"behavior", {.rows = Rows(0, 900)}},
                           {"popularity", {.rows = Rows(950, 1000)}}});
  const std::string text =
      "quotas { key: 'behavior' value { target: 20 } } "
      "quotas { key: 'popularity' value { target: 0 } } k: 60 ";
  const v1::ItemExplanation item = Why(text, "1080");
  EXPECT_EQ(item.verdict(), v1::NOT_PROPOSED);
  ASSERT_EQ(item.sources_size(), 2);
  EXPECT_EQ(item.sources(0).exact_rank(), 81);
  EXPECT_EQ(item.sources(0).asked(), 60);
  EXPECT_EQ(item.sources(0).proposed_rank(), 0);
  EXPECT_EQ(item.sources(1).exact_rank(), 0);
  EXPECT_EQ(item.fused_rank(), 0);
  // A quota of 81 reserves the first 60 only, which are the list.
  EXPECT_EQ(item.sentence(),
            "It is rank 81 of behavior, and lists stop at 60: k >= 81 would "
            "bring it in.");
  EXPECT_THAT(Retrieved(item.remedy()), testing::Contains("1080"));

  const v1::ItemExplanation below =
      Why("quotas { key: 'behavior' value { target: 2 } } "
          "quotas { key: 'popularity' value { target: 40 } } k: 42",
          "1005");
  EXPECT_EQ(below.verdict(), v1::BELOW_K);
  EXPECT_EQ(below.sentence(),
            "It is rank 6 of the 84 that were proposed, and what quotas "
            "reserve for others fills the list of 42: quota behavior >= 6 or "
            "k >= 46 would bring it in.");
  EXPECT_EQ(below.remedy().quotas().at("behavior").target(), 6);
  EXPECT_EQ(below.remedy().quotas().at("popularity").target(), 40);
  EXPECT_EQ(below.remedy().k(), 42);
}

TEST_F(ExplainTest, WhatCannotBeReachedSaysWhy) {
  bundle_ = ServeScripted(
      {{"behavior", {.rows = Rows(0, 900)}}, {"content", {.no_query = true}}});
  const std::string text =
      "quotas { key: 'behavior' value { target: 5 } } "
      "quotas { key: 'content' value { target: 5 } } k: 10 ";
  const v1::ItemExplanation far = Why(text, "1500");
  EXPECT_EQ(far.sentence(),
            "It is rank 501 of behavior, and lists stop at 10; limits.max_k, "
            "400, is too small to reach it.");
  EXPECT_FALSE(far.has_remedy());
  const v1::ItemExplanation nowhere = Why(text, "1950");
  EXPECT_EQ(nowhere.verdict(), v1::NOT_PROPOSED);
  EXPECT_THAT(nowhere.sentence(),
              HasSubstr("No source proposes it: behavior does not reach it by "
                        "this request and content has nothing to search by; "
                        "no quota or k would change that."));
  EXPECT_FALSE(nowhere.sources(1).had_query());
  EXPECT_FALSE(nowhere.has_remedy());
}

TEST_F(ExplainTest, ASourceThatIsNotAskedMayKnowIt) {
  bundle_ = ServeScripted(
      {{"behavior", {.rows = {1, 2}}}, {"popularity", {.rows = {7, 8}}}});
  const v1::ItemExplanation item =
      Why("quotas { key: 'behavior' value { target: 2 } } k: 4", "1008");
  EXPECT_THAT(item.sentence(),
              HasSubstr("quota popularity >= 1 would bring it in."));
  EXPECT_THAT(Retrieved(item.remedy()), testing::Contains("1008"));
}

TEST_F(ExplainTest, AnIndexThatMissesAnItemIsNamed) {
  std::vector<Row> without = Rows(0, 200);
  std::erase(without, 3);
  without.push_back(3);
  bundle_ = ServeScripted(
      {{"behavior", {.rows = without, .exact_rows = Rows(0, 200)}}});
  const v1::ItemExplanation item =
      Why("quotas { key: 'behavior' value { target: 5 } } k: 10", "1003");
  EXPECT_EQ(item.verdict(), v1::NOT_PROPOSED);
  EXPECT_TRUE(item.sources(0).missed_by_index());
  EXPECT_EQ(item.sources(0).exact_rank(), 4);
  EXPECT_EQ(item.sentence(),
            "The index of behavior missed it, which is rank 4 by exact search, "
            "of 10 that were asked for: k >= 200 would bring it in.");
}

TEST_F(ExplainTest, SeenAndExcludedItemsAreTold) {
  bundle_ = ServeScripted({{"behavior", {.rows = Rows(0, 50)}}});
  const std::string text =
      "quotas { key: 'behavior' value { target: 5 } } k: 10 user_id: 1 ";
  const v1::ItemExplanation seen = Why(text, "1000");
  EXPECT_EQ(seen.verdict(), v1::SEEN);
  EXPECT_THAT(seen.sources(), IsEmpty());
  EXPECT_EQ(seen.sentence(),
            "The user has already had it: include_seen would bring it in.");
  EXPECT_TRUE(seen.remedy().include_seen());

  const v1::ItemExplanation recent =
      Why(text + "recent_item_ids: 1004", "1004");
  EXPECT_EQ(recent.verdict(), v1::SEEN);
  EXPECT_THAT(recent.sentence(),
              StartsWith("It is among the request's recent or "
                         "liked items: include_seen "
                         "would"));

  const v1::ItemExplanation excluded =
      Why(text +
              "filter { exclude_item_ids: 1004 exclude_item_keys: '1004' "
              "exclude_item_ids: 1005 }",
          "1004");
  EXPECT_EQ(excluded.verdict(), v1::EXCLUDED);
  EXPECT_EQ(excluded.sentence(),
            "The request excludes it: not excluding it would bring it in.");
  EXPECT_THAT(excluded.remedy().filter().exclude_item_ids(), ElementsAre(1005));
  EXPECT_THAT(excluded.remedy().filter().exclude_item_keys(), IsEmpty());

  const v1::ItemExplanation both = Why(
      text + "recent_item_ids: 1030 filter { exclude_item_ids: 1030 }", "1030");
  EXPECT_EQ(both.verdict(), v1::SEEN);
  EXPECT_EQ(both.sentence(),
            "It is among the request's recent or liked items and the request "
            "excludes "
            "it; without that, it is rank 31 of behavior, and lists stop at "
            "10: include_seen, not excluding it and k >= 31 would bring it "
            "in.");
}

TEST_F(ExplainTest, LikedItemsAreSeen) {
  ServeTiny();
  const v1::ItemExplanation liked =
      Why(std::string("k: 6 like { item_key: 'e' } ") + kPopularityByRank, "e");
  EXPECT_EQ(liked.verdict(), v1::SEEN);
  EXPECT_TRUE(liked.remedy().include_seen());
  EXPECT_THAT(Retrieved(liked.remedy()), Contains("e"));
}

TEST_F(ExplainTest, ItemSetsAreNamed) {
  ServeTiny();
  const auto put = [&](const std::string& name,
                       const std::vector<std::string>& keys) {
    const KeyTable& items = bundle_->bundle().items();
    RowSet others(items.size());
    for (const std::string& key : keys) {
      others.Add(items.Find(std::string_view(key)));
    }
    others.Complement();
    bundle_->item_sets().Put(
        name, std::make_shared<const ExcludedItems>(others, keys.size()));
  };
  put("sold_out", {"e"});
  put("banned", {"e", "f"});
  put("others", {"a"});
  const v1::ItemExplanation item =
      Why(std::string("k: 6 filter { exclude_sets: 'sold_out' exclude_sets: "
                      "'others' exclude_sets: 'banned' } ") +
              kPopularityByRank,
          "e");
  EXPECT_EQ(item.verdict(), v1::EXCLUDED);
  EXPECT_EQ(item.sentence(),
            "The item sets sold_out and banned have it: exclude_sets without "
            "sold_out, banned would bring it in.");
  EXPECT_THAT(item.remedy().filter().exclude_sets(), ElementsAre("others"));
  EXPECT_THAT(Retrieved(item.remedy()), Contains("e"));
}

TEST_F(ExplainTest, DiversityIsNamed) {
  ServeTiny();
  // f has no vector, and is like no other; e is the second by popularity, and
  // its vector is near those of others.
  const std::string text = std::string(
                               "k: 2 diversity { space: 'taste' "
                               "lambda: 0 } ") +
                           kPopularityByRank;
  const std::vector<std::string> list = Retrieved(Request(text));
  for (const char* key : {"e", "d", "c", "b", "a"}) {
    const v1::ItemExplanation item = Why(text, key);
    if (std::ranges::count(list, key) > 0) {
      EXPECT_EQ(item.verdict(), v1::IN_THE_LIST);
      continue;
    }
    EXPECT_EQ(item.verdict(), v1::BELOW_K) << key;
    EXPECT_EQ(item.fused_rank(), static_cast<uint32_t>('f' - key[0] + 1));
    if (item.fused_rank() <= 2) {
      EXPECT_THAT(item.sentence(), HasSubstr("diversity prefers items"));
    }
  }
}

TEST_F(ExplainTest, TheConditionsOfAProfileAreExplained) {
  ServeTiny();
  v1::Profile& profile = *config_.add_profiles();
  profile.set_name("stock");
  profile.set_where("in_stock = true");
  v1::Cap& cap = *profile.add_caps();
  cap.set_attribute("brand");
  cap.set_max(1);
  const std::string text =
      std::string("k: 6 profile: 'stock' ") + kPopularityByRank;
  const v1::ItemExplanation failing = Why(text, "f");
  EXPECT_EQ(failing.verdict(), v1::DOES_NOT_PASS);
  ASSERT_EQ(failing.failed_terms_size(), 1);
  EXPECT_EQ(failing.failed_terms(0).term(), "in_stock = true");
  // The profile's filter comes with the profile, whatever the request asks.
  EXPECT_EQ(failing.remedy().profile(), "none");
  EXPECT_THAT(Retrieved(failing.remedy()), Contains("f"));
  EXPECT_THAT(failing.sentence(),
              EndsWith(": profile none would bring it in."));
  const v1::ItemExplanation both =
      Why(text + "filter { exclude_item_keys: 'f' } ", "f");
  EXPECT_THAT(
      both.sentence(),
      EndsWith(": profile none and not excluding it would bring it in."));
  EXPECT_THAT(Retrieved(both.remedy()), Contains("f"));
  // c and a are of one brand.
  const v1::ItemExplanation capped = Why(text, "a");
  EXPECT_EQ(capped.verdict(), v1::KEPT_OUT_BY_CAP);
  EXPECT_EQ(capped.cap_attribute(), "brand");
  ASSERT_TRUE(capped.has_remedy());
  EXPECT_THAT(Retrieved(capped.remedy()), Contains("a"));
  const auto response = Ask(text, {"a"});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->profile(), "stock");
}

TEST_F(ExplainTest, FailedTermsAreNamedWithTheItemsValues) {
  ServeTiny();
  const std::string text = std::string("k: 6 ") + kPopularityByRank;
  const v1::ItemExplanation item =
      Why(text +
              "filter { where: 'brand = acme AND (price > 50 OR year = 2000)"
              " AND tags : new' }",
          "b");
  EXPECT_EQ(item.verdict(), v1::DOES_NOT_PASS);
  ASSERT_EQ(item.failed_terms_size(), 3);
  EXPECT_EQ(item.failed_terms(0).term(), "brand = \"acme\"");
  EXPECT_EQ(item.failed_terms(0).value(), "bolt");
  EXPECT_EQ(item.failed_terms(1).term(), "price > 50 OR year = 2000");
  EXPECT_EQ(item.failed_terms(1).value(), "price: 49.9, year: 2020");
  EXPECT_EQ(item.failed_terms(2).term(), "tags = \"new\"");
  EXPECT_EQ(item.failed_terms(2).value(), "sale");
  EXPECT_FALSE(item.remedy().has_filter() &&
               !item.remedy().filter().where().empty());

  const v1::ItemExplanation kept =
      Why(text + "filter { where: 'in_stock AND price < 60' }", "b");
  EXPECT_EQ(kept.remedy().filter().where(), "price < 60");
  EXPECT_EQ(kept.sentence(),
            "It fails in_stock = true (it has false): a filter without "
            "in_stock = true would bring it in.");
  // Terms that were dropped, because too few items passed, are not failed.
  const v1::ItemExplanation relaxed =
      Why(text +
              "filter { where: 'brand = core AND in_stock' when_short: RELAX "
              "relax: 'brand' }",
          "b");
  ASSERT_EQ(relaxed.failed_terms_size(), 1);
  EXPECT_EQ(relaxed.failed_terms(0).term(), "in_stock = true");
  EXPECT_TRUE(relaxed.has_remedy());
}

TEST_F(ExplainTest, TheItemsThatFillACapAreNamed) {
  ServeTiny();
  const v1::ItemExplanation item =
      Why(std::string("k: 6 ") + kPopularityByRank +
              "caps { attribute: 'brand' max: 1 }",
          "a");
  EXPECT_EQ(item.verdict(), v1::KEPT_OUT_BY_CAP);
  EXPECT_EQ(item.cap_attribute(), "brand");
  EXPECT_THAT(item.cap_items(), ElementsAre("c"));
  EXPECT_EQ(item.sentence(),
            "The list has 1 candidate with brand \"acme\", as many as the cap "
            "allows: cap brand >= 2 would bring it in.");
  EXPECT_EQ(item.remedy().caps(0).max(), 2);
}

TEST_F(ExplainTest, BoostsAndDecayAreTheFactor) {
  ServeTiny();
  const std::string text = std::string("k: 1 ") + kPopularityByRank;
  const v1::ItemExplanation item =
      Why(text + "boosts { where: 'brand = acme' factor: 0.5 }", "c");
  EXPECT_EQ(item.verdict(), v1::NOT_PROPOSED);
  const v1::ItemExplanation asked =
      Why("k: 3 " + text.substr(5) +
              "boosts { where: 'brand = acme' factor: 0.5 } "
              "quotas { key: 'popularity' value { target: 6 } }",
          "c");
  EXPECT_EQ(asked.verdict(), v1::BELOW_K);
  EXPECT_EQ(asked.factor(), .5);
  EXPECT_NEAR(asked.fused_score(), asked.sources(0).contribution() / 2, 1e-6);
}

TEST_F(ExplainTest, UnknownItemsHaveNearestKeys) {
  bundle_ = ServeScripted({{"behavior", {.rows = Rows(0, 50)}}});
  v1::ExplainRequest request;
  request.add_item_ids(2000);
  request.add_item_ids(1001);
  request.add_item_keys("1x00");
  const auto response =
      Explainer(config_).Explain({bundle_, LabelName("canary")}, request, {});
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->items_size(), 3);
  EXPECT_EQ(response->items(0).verdict(), v1::NOT_IN_THE_CATALOGUE);
  EXPECT_EQ(response->items(0).item_key(), "2000");
  EXPECT_THAT(response->items(0).nearest_keys(), ElementsAre("1000"));
  EXPECT_EQ(response->items(1).verdict(), v1::IN_THE_LIST);
  EXPECT_THAT(response->items(2).sentence(),
              StartsWith("The catalogue has no item \"1x00\"; the nearest "
                         "keys are \"1000\", \"1100\" and \"1200\"."));
  EXPECT_EQ(response->bundle_version(), 1);
  EXPECT_EQ(response->bundle_label(), "canary");
  EXPECT_EQ(response->k(), 10);
  EXPECT_EQ(response->candidates(), 10);
}

// What Retrieve refuses is refused with its message, under "request.".
TEST_F(ExplainTest, WhatIsRefusedIsRefusedWithTheSameMessage) {
  bundle_ = ServeScripted({{"behavior", {.rows = Rows(0, 50)}}});
  for (const char* text :
       {"k: 5000", "bundle_version: 9",
        "quotas { key: 'who' value { target: 1 } }",
        "quotas { key: 'content' value { target: 1 min: 2 } }",
        "fusion { k0: -1 }", "filter { where: 'x <' }",
        "filter { where: 'colour = 1' }", "filter { relax: 'x' }",
        "recent_item_keys: '1' recent_item_ids: 1",
        "caps { attribute: 'nothing' max: 1 }",
        "boosts { where: 'colour = 1' factor: 2 }",
        "vectors { key: 'none' value { values: 1 } }",
        "k: 5000 segment: 'x' quotas { key: 'who' value { target: 1 } }"}) {
    v1::RetrieveResponse ignored;
    const absl::Status refused =
        Pipeline(config_, nullptr, nullptr, nullptr)
            .Retrieve(bundle_, Request(text), {}, &ignored);
    ASSERT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << text;
    const absl::Status explained = Ask(text, {"1000"}).status();
    EXPECT_EQ(explained.code(), refused.code());
    google::rpc::BadRequest before;
    google::rpc::BadRequest after;
    ASSERT_TRUE(before.ParseFromString(
        std::string(refused.GetPayload(kBadRequestPayload).value())));
    ASSERT_TRUE(after.ParseFromString(
        std::string(explained.GetPayload(kBadRequestPayload).value())));
    std::string expected;
    ASSERT_EQ(after.field_violations_size(), before.field_violations_size());
    for (int i = 0; i < before.field_violations_size(); ++i) {
      const auto& violation = before.field_violations(i);
      EXPECT_EQ(after.field_violations(i).field(),
                "request." + violation.field());
      expected += (i > 0 ? "; request." : "request.") + violation.field() +
                  ": " + violation.description();
    }
    EXPECT_EQ(std::string(explained.message()), expected) << text;
    // Also where no item is known.
    EXPECT_EQ(Ask(text, {"none"}).status(), explained);
  }
}

TEST_F(ExplainTest, VeryManyViolationsAreCountedHereToo) {
  Violations violations;
  for (int i = 0; i < 500; ++i) violations.Add("k", "wrong {}", i);
  const absl::Status status = UnderRequest(violations.ToStatus());
  EXPECT_THAT(std::string(status.message()), StartsWith("request.k: wrong 0; "
                                                        "request.k: wrong 1;"));
  EXPECT_THAT(std::string(status.message()),
              testing::ContainsRegex("; and [0-9]+ more$"));
  EXPECT_EQ(UnderRequest(absl::NotFoundError("x")), absl::NotFoundError("x"));
}

TEST_F(ExplainTest, ItemsAreLimited) {
  bundle_ = ServeScripted({});
  config_ = Config(400, 2);
  const auto message = [&](const std::vector<std::string>& keys) {
    const absl::Status status = Ask("", keys).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_EQ(message({}), "item_keys: empty, expected at least one item");
  EXPECT_EQ(message({"a", "b", "c"}),
            "item_keys: 3 items, limits.max_explained_items is 2");
  EXPECT_THAT(message({"a", std::string(600, 'x')}),
              StartsWith("item_keys[1]: 600 bytes, limits.max_key_bytes is "));
  v1::ExplainRequest ids;
  for (uint64_t id = 0; id < 3; ++id) ids.add_item_ids(id);
  EXPECT_THAT(std::string(Explainer(config_).Check(ids).message()),
              StartsWith("item_ids: 3 items"));
  config_ = Config(400, 0);
  EXPECT_EQ(Ask("", {"a"}).status().code(), absl::StatusCode::kUnimplemented);
}

TEST_F(ExplainTest, EndsWhenTheCallDoes) {
  std::atomic<bool> over = false;
  Script script = {.rows = Rows(0, 50), .exact_rows = Rows(0, 500)};
  script.on_retrieve = [&over](const RetrieverQuery&) { over = true; };
  bundle_ = ServeScripted({{"behavior", script}});
  // While the sources are asked.
  EXPECT_EQ(Ask("", {"1300"}, {.cancelled = &over}).status().code(),
            absl::StatusCode::kCancelled);
  over = false;
  EXPECT_EQ(Ask("", {"1300"}, {.closing = &over}).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(Ask("", {"1300"}, {.deadline = SteadyTime::min()}).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(Ask("", {"1300"}).ok());
}

TEST_F(ExplainTest, AnItemThatALiveChangeAddedIsExplained) {
  ServeTiny();
  v1::Change change;
  change.set_number(7);
  change.set_item("x");
  auto& vector = (*change.mutable_upsert()->mutable_vectors())["taste"];
  vector.add_values(1);
  vector.add_values(1);
  (*change.mutable_upsert()->mutable_features()->mutable_fields())["brand"]
      .set_string_value("new one");
  UpsertedItems upserted;
  upserted.Apply(change);
  bool down = false;
  const auto apply = [&] {
    const std::vector<std::string> keys = {"x"};
    BundleOverlay overlay;
    if (const auto before = bundle_->changes().overlay()) overlay = *before;
    overlay.additions = AddUpsertedItems(
        *bundle_, upserted, keys, [&](std::string_view) { return down; },
        overlay.additions, &overlay.encoder,
        [](uint64_t, const std::string& why) { ADD_FAILURE() << why; });
    bundle_->changes().Put(
        std::make_shared<const BundleOverlay>(std::move(overlay)));
  };
  EXPECT_EQ(Why("user_id: 10", "x").verdict(), v1::NOT_IN_THE_CATALOGUE);
  apply();
  EXPECT_EQ(Why("user_id: 10", "x").verdict(), v1::IN_THE_LIST);
  EXPECT_EQ(Why("user_id: 10", "y").verdict(), v1::NOT_IN_THE_CATALOGUE);
  const auto found = Why("user_id: 10", "x");
  EXPECT_GT(found.rank(), 0U);
  const auto knows = [&](const std::string& name) {
    for (const v1::SourceExplanation& source : found.sources()) {
      if (source.name() == name) return source.knows_item();
    }
    return false;
  };
  EXPECT_TRUE(knows("taste"));
  EXPECT_FALSE(knows("popularity"));
  const auto fails = Why("user_id: 10 filter { where: 'brand = acme' }", "x");
  EXPECT_EQ(fails.verdict(), v1::DOES_NOT_PASS);
  ASSERT_EQ(fails.failed_terms_size(), 1);
  EXPECT_EQ(fails.failed_terms(0).value(), "new one");
  EXPECT_EQ(
      Why("user_id: 10 filter { where: 'brand = \"new one\"' }", "x").verdict(),
      v1::IN_THE_LIST);
  EXPECT_EQ(Why("user_id: 10 filter { exclude_item_keys: 'x' }", "x").verdict(),
            v1::EXCLUDED);
  EXPECT_EQ(Why("user_id: 10 recent_item_keys: 'x'", "x").verdict(), v1::SEEN);
  down = true;
  apply();
  EXPECT_EQ(Why("user_id: 10", "x").verdict(), v1::TAKEN_DOWN);
}

}  // namespace
}  // namespace tributary
