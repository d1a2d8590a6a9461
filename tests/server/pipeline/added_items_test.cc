// Items that live changes added, through the whole pipeline: a version that
// lacks some items and gets them by changes answers as one that has them all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/text_format.h"
#include "index/changes/changed_attributes.h"
#include "index/changes/user_events.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/server_config.h"
#include "server/versions/attribute_values.h"
#include "server/versions/bundle_events.h"
#include "server/versions/changed_items.h"
#include "server/versions/live_items.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/filter/attributed_items.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint32_t kDim = 6;

std::string TimeText(int64_t ms) { return AttributeValueText(v1::TIME, ms); }

// What a change says of the item.
v1::Change UpsertOf(uint64_t number, const std::string& key,
                    const AttributedItem& item, std::span<const float> vector) {
  v1::Change change;
  change.set_number(number);
  change.set_item(key);
  v1::UpsertItem& upsert = *change.mutable_upsert();
  auto& features = *upsert.mutable_features()->mutable_fields();
  if (item.in_stock) features["in_stock"].set_bool_value(*item.in_stock);
  if (item.brand) features["brand"].set_string_value(*item.brand);
  for (const std::string& tag : item.tags) {
    features["tags"].mutable_list_value()->add_values()->set_string_value(tag);
  }
  if (item.year) {
    features["year"].set_number_value(static_cast<double>(*item.year));
  }
  if (item.price) features["price"].set_number_value(*item.price);
  if (item.created_at) {
    features["created_at"].set_string_value(TimeText(*item.created_at));
  }
  auto& values = *(*upsert.mutable_vectors())["space"].mutable_values();
  values.Add(vector.begin(), vector.end());
  return change;
}

class AddedItemsTest : public testing::Test {
 protected:
  // The first `count` of the items.
  std::shared_ptr<const ServingBundle> Open(
      size_t count, const std::string& index = "kind: 'flat'") const {
    return OpenOf(items_, count, index);
  }
  std::shared_ptr<const ServingBundle> OpenOf(
      const std::vector<AttributedItem>& items, size_t count,
      const std::string& index = "kind: 'flat'") const {
    SpaceBundle space{.item_count = count, .dim = kDim};
    space.items.assign(vectors_.begin(), vectors_.begin() + count * kDim);
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        "history_encoder: MEAN index { " + index + " }", &space.spec));
    const auto plain = space.Open();
    v1::Manifest manifest = plain->manifest();
    const std::vector<AttributedItem> first(items.begin(),
                                            items.begin() + count);
    v1::Manifest attributes;
    // AddAttributes wants the writer and the manifest at once.
    const auto spec_dir = OpenBundleOf(first);
    *manifest.mutable_attributes() = spec_dir->manifest().attributes();
    const auto whole =
        RewriteBundle(*plain, manifest, [&](BundleWriter* writer) {
          AddAttributes(first, writer, &attributes);
          return absl::OkStatus();
        });
    auto serving = ServingBundle::Open(whole, RetrieverRegistry::BuiltIn());
    EXPECT_TRUE(serving.ok()) << serving.status();
    return *std::move(serving);
  }

  static v1::ServerConfig Config() {
    v1::ServerConfig config;
    config.set_bundles("b");
    config.mutable_defaults()->set_deadline_ms(60'000);
    return CompleteServerConfig(config).value();
  }

  // Applies the change to the state and to the bundle.
  void Apply(const v1::Change& change, const ServingBundle& bundle) {
    upserted_.Apply(change);
    Refresh(bundle, {change.item()});
  }
  void Refresh(const ServingBundle& bundle,
               const std::vector<std::string>& keys) {
    BundleOverlay overlay;
    if (const auto before = bundle.changes().overlay()) overlay = *before;
    overlay.additions = AddUpsertedItems(
        bundle, upserted_, keys,
        [this](std::string_view key) {
          return std::ranges::find(down_, key) != down_.end();
        },
        overlay.additions, &overlay.encoder,
        [this](uint64_t, const std::string& why) {
          passed_over_.push_back(why);
        });
    bundle.changes().Put(
        std::make_shared<const BundleOverlay>(std::move(overlay)));
  }
  void UpsertFrom(size_t begin, const ServingBundle& bundle) {
    for (size_t i = begin; i < items_.size(); ++i) {
      Apply(UpsertOf(++number_, fmt::format("{}", i), items_[i], VectorOf(i)),
            bundle);
    }
  }
  std::span<const float> VectorOf(size_t item) const {
    return std::span(vectors_).subspan(item * kDim, kDim);
  }

  static v1::RetrieveRequest Request(const std::string& text) {
    v1::RetrieveRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request))
        << text;
    return request;
  }
  v1::RetrieveResponse Ask(const std::shared_ptr<const ServingBundle>& bundle,
                           const v1::RetrieveRequest& request) const {
    v1::RetrieveResponse response;
    const absl::Status status =
        pipeline_.Retrieve(bundle, request, SteadyTime::max(), &response);
    EXPECT_TRUE(status.ok()) << status << "\n" << request.DebugString();
    return response;
  }
  std::string VectorText(uint32_t seed) const {
    std::string text = "vectors { key: 'space' value {";
    for (const float x : RandomVectors(1, kDim, seed)) {
      text += fmt::format(" values: {}", x);
    }
    return text + " } }";
  }

  const size_t count_ = 400;
  const std::vector<AttributedItem> items_ = DrawItems(count_, 7);
  const std::vector<float> vectors_ = RandomVectors(count_, kDim, 8);
  UpsertedItems upserted_;
  std::vector<std::string> down_;
  std::vector<std::string> passed_over_;
  uint64_t number_ = 0;
  const Pipeline pipeline_{Config(), nullptr, nullptr, nullptr};
};

// Scores differ by rounding at most: products are added up in an order that
// depends on where a vector lies.
void ExpectSame(const v1::RetrieveResponse& got,
                const v1::RetrieveResponse& wanted, const std::string& what) {
  EXPECT_THAT(got.item_ids(), testing::ElementsAreArray(wanted.item_ids()))
      << what;
  ASSERT_EQ(got.scores_size(), wanted.scores_size()) << what;
  for (int i = 0; i < got.scores_size(); ++i) {
    EXPECT_FLOAT_EQ(got.scores(i), wanted.scores(i)) << what;
  }
  EXPECT_EQ(got.filter().passing_items(), wanted.filter().passing_items())
      << what;
}

TEST_F(AddedItemsTest, AreAnsweredAsIfTheVersionHadThem) {
  const size_t known = 250;
  const auto full = Open(count_);
  const auto live = Open(known);
  UpsertFrom(known, *live);
  EXPECT_THAT(passed_over_, ElementsAre());
  std::mt19937 random(3);
  const std::vector<std::string> parts = {
      "filter { where: 'in_stock' }",
      "filter { where: 'brand:* AND NOT tags:t1' }",
      "filter { where: 'price >= -3.5 AND price < 400' }",
      "filter { where: 'year > 1950 OR created_at < \"1970-02-01\"' }",
      "filter { where: 'tags:(\"t0\" AND \"t2\")' }",
      "filter { predicate { term { attribute: 'year' exists: false } } }",
      "filter { exclude_item_ids: [ 3, 251, 260, 399, 5000 ] }",
      "filter { where: 'in_stock' exclude_item_ids: [ 30, 300, 301 ] }",
      "recent_item_ids: [ 1, 255, 390 ]",
      "recent_item_ids: [ 1, 255 ] include_seen: true",
      "caps { attribute: 'brand' max: 1 }",
      "caps { attribute: 'tags' max: 2 } caps { attribute: 'year' max: 3 }",
      "boosts { where: 'in_stock' factor: 3 }",
      "boosts { predicate { term { attribute: 'brand' equals { text: 'b7' } } "
      "} factor: .2 }",
      "decay { attribute: 'created_at' half_life_days: 20 at: '1971-01-01' }",
      "diversity { space: 'space' lambda: .5 }",
      "view: FULL",
  };
  int with_live = 0;
  for (int round = 0; round < 400; ++round) {
    const uint32_t seed = 1000 + static_cast<uint32_t>(round);
    std::string text = VectorText(seed);
    text += fmt::format(" k: {} ", 1 + random() % 120);
    std::string used;
    for (int i = static_cast<int>(random() % 3); i > 0; --i) {
      const std::string& part = parts[random() % parts.size()];
      // No field twice.
      const std::string field = part.substr(0, 6);
      if (used.find(field) != std::string::npos) continue;
      used += " " + part;
    }
    const v1::RetrieveRequest request = Request(text + used);
    const v1::RetrieveResponse got = Ask(live, request);
    ExpectSame(got, Ask(full, request), used);
    std::vector<uint32_t> places;
    for (int i = 0; i < got.item_ids_size(); ++i) {
      if (got.item_ids(i) >= known) places.push_back(static_cast<uint32_t>(i));
    }
    EXPECT_THAT(got.live(), testing::ElementsAreArray(places));
    with_live += places.empty() ? 0 : 1;
    if (HasFailure()) break;
  }
  EXPECT_GT(with_live, 300);
}

TEST_F(AddedItemsTest, AreOnThePagesOfALongList) {
  const auto full = Open(count_);
  const auto live = Open(200);
  UpsertFrom(200, *live);
  v1::RetrieveRequest request = Request(VectorText(5) + " k: 100 page_size: 7");
  const v1::RetrieveResponse whole =
      Ask(full, Request(VectorText(5) + " k: 100"));
  std::vector<uint64_t> ids;
  for (int page = 0; page < 20; ++page) {
    const v1::RetrieveResponse got = Ask(live, request);
    ids.insert(ids.end(), got.item_ids().begin(), got.item_ids().end());
    if (got.next_page_token().empty()) break;
    request.set_page_token(got.next_page_token());
  }
  EXPECT_THAT(ids, testing::ElementsAreArray(whole.item_ids()));
}

TEST_F(AddedItemsTest, ThatAreUpsertedAgainHaveTheNewVectorAlone) {
  const auto live = Open(100);
  const auto request = Request(
      "vectors { key: 'space' value { values: "
      "[1, 0, 0, 0, 0, 0] } } k: 3");
  const std::vector<float> near = {100, 0, 0, 0, 0, 0};
  const std::vector<float> far = {-100, 0, 0, 0, 0, 0};
  Apply(UpsertOf(1, "777", items_[0], near), *live);
  const auto held = live->changes().overlay()->additions;
  EXPECT_EQ(Ask(live, request).item_ids(0), 777U);
  EXPECT_THAT(Ask(live, request).live(), ElementsAre(0U));
  Apply(UpsertOf(2, "777", items_[0], far), *live);
  EXPECT_THAT(Ask(live, request).live(), ElementsAre());
  Apply(UpsertOf(3, "777", items_[0], near), *live);
  EXPECT_EQ(Ask(live, request).item_ids(0), 777U);
  EXPECT_EQ(live->changes().overlay()->additions->n_live(), 1U);
  // A request that began before sees what it saw.
  EXPECT_EQ(held->size(), 1U);
  EXPECT_EQ(held->Find("777"), 100U);
  EXPECT_TRUE(held->IsLive(100));
  EXPECT_EQ(live->changes().overlay()->additions->Find("777"), 102U);
}

TEST_F(AddedItemsTest, ThatAreTakenDownAreInNoAnswer) {
  const auto live = Open(100);
  const auto request = Request(
      "vectors { key: 'space' value { values: "
      "[1, 0, 0, 0, 0, 0] } } k: 3");
  Apply(UpsertOf(1, "777", items_[0], std::vector<float>{9, 0, 0, 0, 0, 0}),
        *live);
  down_ = {"777"};
  Refresh(*live, {"777"});
  EXPECT_THAT(Ask(live, request).live(), ElementsAre());
  EXPECT_EQ(live->changes().overlay()->additions->n_live(), 0U);
  // One that is upserted while it is down stays down.
  Apply(UpsertOf(2, "777", items_[0], std::vector<float>{8, 0, 0, 0, 0, 0}),
        *live);
  EXPECT_THAT(Ask(live, request).live(), ElementsAre());
  down_.clear();
  Refresh(*live, {"777"});
  EXPECT_THAT(Ask(live, request).live(), ElementsAre(0U));
}

TEST_F(AddedItemsTest, ThatAreUpsertedOftenDoNotPileUp) {
  const auto live = Open(20);
  for (uint64_t i = 1; i <= 10'000; ++i) {
    Apply(UpsertOf(i, fmt::format("{}", 1000 + i % 7), items_[i % 400],
                   VectorOf(i % 400)),
          *live);
  }
  const auto additions = live->changes().overlay()->additions;
  EXPECT_EQ(additions->n_live(), 7U);
  EXPECT_LE(additions->size(), 4200U);
}

TEST_F(AddedItemsTest, OfAVersionThatHasThemAreNoneOfIts) {
  const auto full = Open(count_);
  const auto request = Request(VectorText(2) + " k: 9");
  const auto before = Ask(full, request);
  UpsertFrom(390, *full);
  EXPECT_EQ(full->changes().overlay()->additions, nullptr);
  ExpectSame(Ask(full, request), before, "");
}

TEST_F(AddedItemsTest, TakeNothingThatTheVersionCannotTake) {
  const auto live = Open(50);
  v1::Change change =
      UpsertOf(1, "600", items_[0], std::vector<float>{1, 2, 3});
  (*change.mutable_upsert()->mutable_vectors())["other"].add_values(1);
  (*change.mutable_upsert()->mutable_features()->mutable_fields())["year"]
      .set_string_value("last");
  Apply(change, *live);
  ASSERT_EQ(passed_over_.size(), 3U);
  std::ranges::sort(passed_over_);
  EXPECT_EQ(passed_over_[0],
            "change 1: features[\"year\"]: no value of integer, which it is in "
            "version 1");
  EXPECT_EQ(passed_over_[1],
            "change 1: vectors[\"other\"]: no space of version 1");
  EXPECT_EQ(passed_over_[2],
            "change 1: vectors[\"space\"]: 3 values, version 1 has 6");
  // The item counts all the same.
  EXPECT_EQ(live->changes().overlay()->additions->n_live(), 1U);
  Apply(UpsertOf(2, "not a number", items_[0], VectorOf(0)), *live);
  EXPECT_THAT(passed_over_.back(), HasSubstr("\"not a number\" is no integer"));
  EXPECT_EQ(live->changes().overlay()->additions->n_live(), 1U);
}

TEST_F(AddedItemsTest, AreExcludedByTheSetsThatHaveThem) {
  const auto live = Open(100);
  const auto request = Request(
      "vectors { key: 'space' value { values: [1, 0, 0, 0, 0, 0] } } "
      "k: 3 filter { exclude_sets: 'ours' }");
  auto keys = std::make_shared<ItemKeys>();
  keys->Add("777");
  keys->Finish();
  RowSet others(100);
  others.Complement();
  live->item_sets().Put("ours",
                        std::make_shared<const ExcludedItems>(others, 0, keys));
  for (const std::string key : {"776", "777", "778"}) {
    Apply(UpsertOf(++number_, key, items_[0],
                   std::vector<float>{9, 0, 0, 0, 0, 0}),
          *live);
  }
  const auto got = Ask(live, request);
  EXPECT_EQ(got.item_ids(0), 776U);
  EXPECT_EQ(got.item_ids(1), 778U);
  EXPECT_THAT(got.live(), ElementsAre(0U, 1U));
}

// The tiny bundle, with "x", whose vector is that of `like` and whose
// popularity is 4.5, added.
class AddedToTinyTest : public testing::Test {
 protected:
  void Add(const std::string& like) {
    const Bundle& bundle = serving_->bundle();
    const EmbeddingSpace& taste = *bundle.FindSpace("taste");
    std::vector<float> vector(2);
    taste.items.Read(*taste.items.Find(bundle.items().Find(like)), vector);
    v1::Change change;
    change.set_number(++number_);
    change.set_item("x");
    (*change.mutable_upsert()->mutable_vectors())["taste"]
        .mutable_values()
        ->Add(vector.begin(), vector.end());
    change.mutable_upsert()->set_popularity(4.5);
    upserted_.Apply(change);
    const std::vector<std::string> keys = {"x"};
    BundleOverlay overlay;
    overlay.additions = AddUpsertedItems(
        *serving_, upserted_, keys, [](std::string_view) { return false; },
        nullptr, &overlay.encoder,
        [](uint64_t, const std::string& why) { ADD_FAILURE() << why; });
    uint32_t next = 0;
    EXPECT_TRUE(FindStandIns(*serving_, *overlay.additions, nullptr,
                             SteadyTime::max(), &next));
    EXPECT_EQ(next, 1U);
    query_.added = overlay.additions;
    query_.added_allowed = query_.added->live();
  }
  // Keys and scores.
  std::string From(const v1::RetrieverSpec& spec, uint32_t n) {
    const auto made =
        RetrieverRegistry::BuiltIn().Make(serving_->bundle(), spec);
    EXPECT_TRUE(made.ok()) << made.status();
    std::vector<ScoredRow> proposals;
    EXPECT_TRUE((*made)->Retrieve(query_, n, &proposals).ok());
    std::string text;
    for (const ScoredRow& one : proposals) {
      text += fmt::format(
          "{}{} ",
          KeyTextOf({serving_->bundle().items(), query_.added.get()}, one.row),
          one.score);
    }
    return text;
  }
  static v1::RetrieverSpec Spec(const std::string& text) {
    v1::RetrieverSpec spec;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &spec));
    return spec;
  }

  const std::shared_ptr<const ServingBundle> serving_ =
      *ServingBundle::Open(*Bundle::Open(WriteTinyBundle(MakeTestDir(), 1)),
                           RetrieverRegistry::BuiltIn());
  UpsertedItems upserted_;
  uint64_t number_ = 0;
  RetrieverQuery query_;
};

TEST_F(AddedToTinyTest, AreInThePopularityListOfAll) {
  const auto spec = Spec("kind: 'popularity' name: 'p' lists: 'all'");
  EXPECT_EQ(From(spec, 9), "f6 e5 d4 c3 b2 a1 ");
  Add("a");
  EXPECT_EQ(From(spec, 9), "f6 e5 x4.5 d4 c3 b2 a1 ");
  EXPECT_EQ(From(spec, 3), "f6 e5 x4.5 ");
  EXPECT_EQ(From(spec, 2), "f6 e5 ");
  const std::vector<uint64_t> none = {0};
  query_.added_allowed = none;
  EXPECT_EQ(From(spec, 4), "f6 e5 d4 c3 ");
}

TEST_F(AddedToTinyTest, AreWhereTheirStandInsAreAmongNeighbours) {
  const auto spec =
      Spec("kind: 'neighbors' name: 'n' table: 'joint' max_history: 5");
  const std::vector<Row> history = {1};
  query_.history = history;
  EXPECT_EQ(From(spec, 9), "a1 c0.5 d0.25 ");
  Add("c");
  // The product of its vector with that of "a" is the largest.
  EXPECT_EQ(KeyTextOf({serving_->bundle().items(), nullptr},
                      query_.added->StandIn(6)),
            "a");
  EXPECT_EQ(From(spec, 9), "a1 x1 c0.5 d0.25 ");
  EXPECT_EQ(From(spec, 2), "a1 x1 ");
  EXPECT_EQ(From(spec, 1), "a1 ");
  const std::vector<uint64_t> none = {0};
  query_.added_allowed = none;
  EXPECT_EQ(From(spec, 9), "a1 c0.5 d0.25 ");
}

// New values move the codes of others, which added items must follow.
TEST_F(AddedItemsTest, CapsCountThemWithItemsWhoseAttributesChanged) {
  const size_t known = 250;
  std::vector<AttributedItem> items = items_;
  const auto live = Open(known);
  UpsertFrom(known, *live);
  ChangedAttributes attributes(TypesOfValue);
  std::vector<std::string> keys;
  for (size_t i = 0; i < 40; ++i) {
    // The first one comes before all others in the dictionary.
    items[i].brand = i == 0 ? "!first" : items_[known + i].brand;
    items[i].tags = {"!tag", fmt::format("t{}", i % 4)};
    v1::Change change;
    change.set_number(++number_);
    change.set_item(keys.emplace_back(fmt::format("{}", i)));
    auto& fields =
        *change.mutable_set()->mutable_attributes()->mutable_fields();
    fields["brand"].set_string_value(items[i].brand.value_or(""));
    auto& tags = *fields["tags"].mutable_list_value();
    for (const std::string& tag : items[i].tags) {
      tags.add_values()->set_string_value(tag);
    }
    attributes.Apply(change);
  }
  BundleOverlay overlay = *live->changes().overlay();
  UnusedValues unused;
  overlay.changed = ChangeItems(live->bundle(), live->tags(), nullptr,
                                attributes, keys, 0, &unused);
  EXPECT_TRUE(unused.refused.empty());
  live->changes().Put(std::make_shared<const BundleOverlay>(overlay));
  const auto full = OpenOf(items, count_);
  for (uint32_t seed = 0; seed < 40; ++seed) {
    for (const char* const cap :
         {"caps { attribute: 'brand' max: 2 }",
          "caps { attribute: 'tags' max: 9 }",
          "caps { attribute: 'year' max: 1 }",
          "caps { attribute: 'brand' max: 3 } caps { attribute: 'in_stock' "
          "max: 20 }"}) {
      const auto request =
          Request(fmt::format("k: 40 {} {}", cap, VectorText(seed)));
      ExpectSame(Ask(live, request), Ask(full, request), cap);
    }
  }
}

TEST_F(AddedItemsTest, AreSeenByUsersWhoseEventsHaveThem) {
  const size_t known = 250;
  const auto live = Open(known);
  UpsertFrom(known, *live);
  const std::string vector = VectorText(1);
  const auto all = Ask(live, Request("k: 400 user_id: 77 " + vector));
  ASSERT_EQ(all.item_ids_size(), 400);
  UserEvents events;
  for (const uint64_t item : {260, 7, 9999}) {
    v1::Change change;
    change.set_number(++number_);
    change.set_item(fmt::format("{}", item));
    change.mutable_event()->set_user("77");
    events.Apply(change);
  }
  BundleOverlay overlay = *live->changes().overlay();
  overlay.events =
      BundleEvents::Update(nullptr, live->bundle(), events, {{"77"}});
  live->changes().Put(std::make_shared<const BundleOverlay>(overlay));
  const auto met = Ask(live, Request("k: 400 user_id: 77 " + vector));
  EXPECT_EQ(met.item_ids_size(), 398);
  EXPECT_THAT(met.item_ids(), testing::Not(testing::Contains(260)));
  EXPECT_THAT(met.item_ids(), testing::Not(testing::Contains(7)));
  const auto seen =
      Ask(live, Request("k: 400 user_id: 77 include_seen: true " + vector));
  EXPECT_EQ(seen.item_ids_size(), 400);
  // Others have met nothing.
  EXPECT_EQ(Ask(live, Request("k: 400 user_id: 78 " + vector)).item_ids_size(),
            400);
}

}  // namespace
}  // namespace tributary
