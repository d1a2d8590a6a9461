// Events through the whole pipeline: a bundle with live events answers as one
// that was built with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/text_format.h"
#include "index/bundle/bundle_writer.h"
#include "index/changes/user_events.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/server_config.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

constexpr uint32_t kItems = 60;
constexpr uint32_t kUsers = 8;
// How many of the users the bundle without the events knows.
constexpr uint32_t kKnownUsers = 6;
// So many have a vector in the spaces that store some.
constexpr uint32_t kStored = 4;
constexpr uint32_t kDim = 8;
constexpr uint32_t kWidth = 4;

constexpr char kSources[] = R"pb(
  spaces {
    name: "tower"
    dim: 8
    metric: INNER_PRODUCT
    fingerprint: "f00d"
    item_vectors: 60
    history_encoder: TOWER
    index { kind: "flat" }
    user_tower {
      history {
        dim: 8
        item_vectors: 60
        max_items: 7
        pooling: DECAYED_SUM
        decays: 0.5
      }
    }
  }
  spaces {
    name: "mean"
    dim: 8
    metric: COSINE
    fingerprint: "f00d"
    item_vectors: 60
    history_encoder: MEAN
    index { kind: "flat" }
  }
  spaces {
    name: "stored"
    dim: 8
    metric: INNER_PRODUCT
    fingerprint: "f00d"
    item_vectors: 60
    user_vectors: 4
    index { kind: "flat" }
  }
  popularity { name: "all" count: 60 }
  popularity { name: "a" count: 20 category: 1 }
  popularity { name: "b" count: 20 category: 2 }
  neighbors { name: "joint" width: 4 }
  retrievers { name: "tower" kind: "vector" space: "tower" }
  retrievers { name: "mean" kind: "vector" space: "mean" }
  retrievers { name: "stored" kind: "vector" space: "stored" }
  retrievers { name: "popularity" kind: "popularity" lists: "all" }
  retrievers {
    name: "neighbors"
    kind: "neighbors"
    table: "joint"
    decay: 0.5
    max_history: 9
  }
  retrievers {
    name: "categories"
    kind: "category_popularity"
    decay: 0.5
    max_history: 9
  }
  fusion {
    segments {
      max_history: 3
      weights { key: "popularity" value: 1 }
      weights { key: "neighbors" value: 2 }
    }
    segments {
      max_history: 9
      weights { key: "tower" value: 1 }
      weights { key: "mean" value: 3 }
    }
    segments { weights { key: "tower" value: 2 } }
    quotas { retriever: "tower" share: 0.2 }
    quotas { retriever: "mean" share: 0.2 }
    quotas { retriever: "stored" share: 0.1 }
    quotas { retriever: "neighbors" share: 0.2 }
    quotas { retriever: "categories" share: 0.2 }
    quotas { retriever: "popularity" share: 0.1 }
  }
)pb";

struct Met {
  Row item;
  bool wanted;
};
using Histories = std::vector<std::vector<Met>>;

std::string ItemKey(Row item) { return fmt::format("i{:02}", item); }
std::string UserKey(Row user) { return fmt::format("u{}", user); }

template <typename T, typename Draw>
std::vector<T> Filled(size_t count, Draw draw) {
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(draw());
  return values;
}

template <typename T>
void Add(BundleWriter* writer, const std::string& name,
         const std::vector<T>& values, uint64_t columns = 0) {
  const absl::Status added = writer->AddArray<T>(name, values, columns);
  EXPECT_TRUE(added.ok()) << added;
}

// What a build stores of what a user met: see ListSeen.
void AppendSeen(const std::vector<Met>& met, std::vector<Row>* rows,
                uint64_t* wanted) {
  std::vector<Row> newest_first;
  std::unordered_set<Row> had;
  for (const bool only_wanted : {true, false}) {
    for (auto it = met.rbegin(); it != met.rend(); ++it) {
      if (only_wanted && !it->wanted) continue;
      if (had.insert(it->item).second) newest_first.push_back(it->item);
    }
    if (only_wanted) *wanted = newest_first.size();
  }
  rows->insert(rows->end(), newest_first.rbegin(), newest_first.rend());
  *wanted = rows->size() - *wanted;
}

// A bundle with the first `users` users, all else of which depends on `seed`.
std::shared_ptr<const ServingBundle> ServeHistories(uint32_t seed,
                                                    const Histories& histories,
                                                    uint32_t users,
                                                    uint64_t changes_through) {
  auto writer = BundleWriter::Create(MakeTestDir(), 1);
  EXPECT_TRUE(writer.ok()) << writer.status();
  KeyList item_keys{v1::UTF8, {}, {}};
  for (Row item = 0; item < kItems; ++item) {
    item_keys.strings.push_back(ItemKey(item));
  }
  KeyList user_keys{v1::UTF8, {}, {}};
  std::vector<uint64_t> offsets = {0};
  std::vector<uint64_t> wanted;
  std::vector<Row> seen;
  for (Row user = 0; user < users; ++user) {
    user_keys.strings.push_back(UserKey(user));
    AppendSeen(histories[user], &seen, &wanted.emplace_back());
    offsets.push_back(seen.size());
  }
  EXPECT_TRUE(writer->AddKeys("items", item_keys).ok());
  EXPECT_TRUE(writer->AddKeys("users", user_keys).ok());
  Add<uint64_t>(&*writer, "seen.offsets.npy", offsets);
  Add<uint64_t>(&*writer, "seen.wanted.npy", wanted);
  Add<Row>(&*writer, "seen.rows.npy", seen);

  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  const auto draw = [&] { return normal(random); };
  for (const std::string space : {"tower", "mean", "stored"}) {
    Add(&*writer, space + ".items.npy", Filled<float>(kItems * kDim, draw),
        kDim);
  }
  Add(&*writer, "tower.history.npy", Filled<float>(kItems * kDim, draw), kDim);
  Add(&*writer, "stored.users.npy", Filled<float>(kStored * kDim, draw), kDim);
  Add<Row>(&*writer, "stored.users.rows.npy", {0, 1, 2, 3});
  std::vector<Row> order(kItems);
  for (Row item = 0; item < kItems; ++item) order[item] = item;
  std::shuffle(order.begin(), order.end(), random);
  std::vector<float> falling(kItems);
  for (uint32_t i = 0; i < kItems; ++i) {
    falling[i] = 1 / static_cast<float>(i + 1);
  }
  Add(&*writer, "popularity.all.npy", order);
  Add(&*writer, "popularity.all.scores.npy", falling);
  falling.resize(20);
  for (const std::string list : {"a", "b"}) {
    std::shuffle(order.begin(), order.end(), random);
    Add(&*writer, "popularity." + list + ".npy",
        std::vector<Row>(order.begin(), order.begin() + 20));
    Add(&*writer, "popularity." + list + ".scores.npy", falling);
  }
  Add(&*writer, "items.categories.npy",
      Filled<uint16_t>(kItems, [&] { return random() % 3; }), 1);
  std::vector<Row> neighbors;
  std::vector<float> scores;
  for (Row item = 0; item < kItems; ++item) {
    for (uint32_t i = 0; i < kWidth; ++i) {
      neighbors.push_back((item + 1 + random() % 14 * kWidth + i) % kItems);
      scores.push_back(1 / static_cast<float>(i + 1));
    }
  }
  Add(&*writer, "neighbors.joint.rows.npy", neighbors, kWidth);
  Add(&*writer, "neighbors.joint.scores.npy", scores, kWidth);

  v1::Manifest manifest;
  EXPECT_TRUE(
      google::protobuf::TextFormat::ParseFromString(kSources, &manifest));
  manifest.mutable_items()->set_kind(v1::UTF8);
  manifest.mutable_items()->set_count(kItems);
  manifest.mutable_users()->set_kind(v1::UTF8);
  manifest.mutable_users()->set_count(users);
  manifest.set_changes_through(changes_through);
  const auto dir = writer->Finish(manifest);
  EXPECT_TRUE(dir.ok()) << dir.status();
  const auto bundle = Bundle::Open(*dir);
  EXPECT_TRUE(bundle.ok()) << bundle.status();
  auto serving = ServingBundle::Open(*bundle, RetrieverRegistry::BuiltIn());
  EXPECT_TRUE(serving.ok()) << serving.status();
  return *std::move(serving);
}

class LiveEventsTest : public testing::Test {
 protected:
  static v1::ServerConfig Config() {
    v1::ServerConfig config;
    config.set_bundles("b");
    config.mutable_defaults()->set_deadline_ms(60'000);
    return CompleteServerConfig(config).value();
  }
  // What is equal whatever the bundle and however long it took.
  std::string Answer(const std::shared_ptr<const ServingBundle>& bundle,
                     const v1::RetrieveRequest& request) {
    v1::RetrieveResponse response;
    const absl::Status status =
        pipeline_.Retrieve(bundle, request, SteadyTime::max(), &response);
    EXPECT_TRUE(status.ok()) << status;
    for (auto& report : *response.mutable_source_reports()) {
      report.clear_micros();
    }
    return response.DebugString();
  }
  v1::Change Event(Row user, const Met& met) {
    v1::Change change;
    change.set_number(++changes_);
    change.set_item(ItemKey(met.item));
    change.mutable_event()->set_user(UserKey(user));
    if (!met.wanted) change.mutable_event()->set_value(0);
    return change;
  }
  // Gives the bundle the events of these users as they are now.
  void Apply(const ServingBundle& bundle,
             const std::vector<std::string>& users) {
    const auto before = bundle.changes().overlay();
    auto overlay = std::make_shared<BundleOverlay>();
    overlay->events =
        BundleEvents::Update(before == nullptr ? nullptr : before->events.get(),
                             bundle.bundle(), events_, users);
    if (overlay->empty()) overlay = nullptr;
    bundle.changes().Put(std::move(overlay));
  }
  v1::RetrieveRequest RandomRequest() {
    v1::RetrieveRequest request;
    request.set_user_key(UserKey(random_() % (kUsers + 1)));
    request.set_k(1 + random_() % 30);
    request.set_view(v1::FULL);
    request.set_include_seen(random_() % 3 == 0);
    if (random_() % 2 == 0) {
      const char* const kNames[] = {"tower",      "mean",      "stored",
                                    "popularity", "neighbors", "categories"};
      (*request.mutable_quotas())[kNames[random_() % 6]].set_target(30);
    }
    if (random_() % 3 == 0) {
      const bool weighs = random_() % 2 == 0;
      for (uint32_t i = random_() % 4; i > 0; --i) {
        request.add_recent_item_keys(ItemKey(random_() % kItems));
        if (weighs) request.add_recent_item_weights(random_() % 3);
      }
    }
    if (random_() % 4 == 0) {
      request.add_like()->set_item_key(ItemKey(random_() % kItems));
    }
    return request;
  }

  std::mt19937 random_{7};
  uint64_t changes_ = 0;
  UserEvents events_;
  const Pipeline pipeline_{Config(), nullptr, nullptr, nullptr};
};

TEST_F(LiveEventsTest, AnswersAreThoseOfABundleThatWasBuiltWithThem) {
  for (uint32_t round = 0; round < 12; ++round) {
    SCOPED_TRACE(round);
    Histories stored(kUsers);
    for (Row user = 0; user < kKnownUsers; ++user) {
      for (uint32_t i = random_() % 12; i > 0; --i) {
        stored[user].push_back(
            {static_cast<Row>(random_() % kItems), random_() % 4 != 0});
      }
    }
    const uint32_t seed = random_();
    events_ = UserEvents();
    // Some rounds begin with changes that the data have already.
    Histories all = stored;
    for (uint32_t i = round % 3 * 4; i > 0; --i) {
      const auto user = static_cast<Row>(random_() % kKnownUsers);
      const Met met = {static_cast<Row>(random_() % kItems), true};
      stored[user].push_back(met);
      all[user].push_back(met);
      events_.Apply(Event(user, met));
    }
    const auto live = ServeHistories(seed, stored, kKnownUsers, changes_);
    const auto untouched = ServeHistories(seed, stored, kKnownUsers, 0);
    for (uint32_t batch = 0; batch < 4; ++batch) {
      std::vector<std::string> users;
      // User 0 has no events.
      for (uint32_t i = random_() % 8; i > 0; --i) {
        const auto user = static_cast<Row>(1 + random_() % (kUsers - 1));
        const Met met = {static_cast<Row>(random_() % kItems),
                         random_() % 4 != 0};
        all[user].push_back(met);
        events_.Apply(Event(user, met));
        users.push_back(UserKey(user));
      }
      Apply(*live, users);
      const auto built = ServeHistories(seed, all, kUsers, changes_);
      for (int i = 0; i < 60; ++i) {
        v1::RetrieveRequest request = RandomRequest();
        // It knows each of the users, whether there are events or not.
        for (Row user = kKnownUsers; user < kUsers; ++user) {
          if (all[user].empty() && request.user_key() == UserKey(user)) {
            request.set_user_key("nobody");
          }
        }
        ASSERT_EQ(Answer(live, request), Answer(built, request))
            << request.ShortDebugString();
        if (request.user_key() == UserKey(0)) {
          ASSERT_EQ(Answer(live, request), Answer(untouched, request));
        }
      }
    }
  }
}

TEST_F(LiveEventsTest, WhatCannotBeResolvedIsPassedOver) {
  const auto bundle = ServeHistories(1, Histories(kUsers), kKnownUsers, 5);
  v1::Change unknown;
  unknown.set_number(6);
  unknown.set_item("new");
  unknown.mutable_event()->set_user("u1");
  events_.Apply(unknown);
  changes_ = 4;
  events_.Apply(Event(2, {3, true}));
  Apply(*bundle, {"u1", "u2", "nobody"});
  // What the bundle lacks is known, for items that live changes add; what its
  // data have is not.
  const auto before = bundle->changes().overlay();
  ASSERT_NE(before, nullptr);
  EXPECT_EQ(before->events->Find(2, ""), nullptr);
  ASSERT_NE(before->events->Find(1, ""), nullptr);
  EXPECT_TRUE(before->events->Find(1, "")->seen().empty());
  EXPECT_EQ(before->events->Find(1, "")->lacking().size(), 1U);
  changes_ = 6;
  events_.Apply(Event(1, {3, true}));
  Apply(*bundle, {"u1"});
  const auto overlay = bundle->changes().overlay();
  ASSERT_NE(overlay, nullptr);
  EXPECT_EQ(overlay->events->users(), 1U);
  const MetItems* const met = overlay->events->Find(1, "");
  ASSERT_NE(met, nullptr);
  EXPECT_THAT(met->wanted(), ElementsAre(3));
  EXPECT_EQ(met->ChangeOf(3), 7U);
  EXPECT_EQ(met->ChangeOf(4), 0U);
}

TEST_F(LiveEventsTest, ASnapshotStaysWhatItWas) {
  const auto bundle = ServeHistories(1, Histories(kUsers), kKnownUsers, 0);
  events_.Apply(Event(1, {3, true}));
  events_.Apply(Event(7, {4, true}));
  Apply(*bundle, {"u1", "u7"});
  const auto held = bundle->changes().overlay();
  events_.Apply(Event(1, {5, true}));
  events_.Apply(Event(2, {5, true}));
  Apply(*bundle, {"u1", "u2"});
  EXPECT_EQ(held->events->users(), 2U);
  EXPECT_THAT(held->events->Find(1, "")->wanted(), ElementsAre(3));
  EXPECT_EQ(held->events->Find(2, ""), nullptr);
  const auto now = bundle->changes().overlay();
  EXPECT_EQ(now->events->users(), 3U);
  EXPECT_THAT(now->events->Find(1, "")->wanted(), ElementsAre(3, 5));
  EXPECT_THAT(now->events->Find(kNoRow, "u7")->wanted(), ElementsAre(4));
  EXPECT_EQ(now->events->Find(kNoRow, "u6"), nullptr);
}

// The user of an integer id is the one of its decimal text.
TEST_F(LiveEventsTest, UsersAreFoundByKeysOfBothKinds) {
  const auto bundle = ServeHistories(1, Histories(kUsers), kKnownUsers, 0);
  v1::Change change = Event(0, {3, true});
  change.mutable_event()->set_user("42");
  events_.Apply(change);
  Apply(*bundle, {"42"});
  v1::RetrieveRequest request;
  request.set_user_id(42);
  request.set_k(kItems);
  v1::RetrieveResponse response;
  ASSERT_TRUE(
      pipeline_.Retrieve(bundle, request, SteadyTime::max(), &response).ok());
  EXPECT_THAT(response.item_keys(), Not(Contains("i03")));
  EXPECT_FALSE(response.cold_start());
  request.set_user_id(43);
  ASSERT_TRUE(
      pipeline_.Retrieve(bundle, request, SteadyTime::max(), &response).ok());
  EXPECT_THAT(response.item_keys(), Contains("i03"));
  EXPECT_TRUE(response.cold_start());
}

}  // namespace
}  // namespace tributary
