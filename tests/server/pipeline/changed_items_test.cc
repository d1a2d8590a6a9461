// Attributes that live changes set, through the whole pipeline: whatever a
// request asks for, it is answered as by a bundle that was written with the
// values that the changes leave.
#include "server/versions/changed_items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/text_format.h"
#include "index/changes/changed_attributes.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/server_config.h"
#include "server/versions/attribute_values.h"
#include "tests/server/explain/random_bundle.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using Serving = std::shared_ptr<const ServingBundle>;

v1::ServerConfig Config() {
  v1::ServerConfig config;
  config.set_bundles("b");
  config.mutable_defaults()->set_deadline_ms(60'000);
  config.mutable_defaults()->set_k(20);
  return CompleteServerConfig(config).value();
}

std::string KeyOf(Row row) { return fmt::format("i{:03}", row); }

// Applies changes to a bundle as LiveChanges does.
class Changes {
 public:
  explicit Changes(Serving bundle) : bundle_(std::move(bundle)) {}

  UnusedValues Apply(std::vector<v1::Change> changes) {
    const uint64_t after = number_;
    std::vector<std::string> items;
    for (v1::Change& change : changes) {
      change.set_number(++number_);
      if (state_.Apply(change)) items.push_back(change.item());
    }
    std::sort(items.begin(), items.end());
    items.erase(std::unique(items.begin(), items.end()), items.end());
    const auto before = bundle_->changes().overlay();
    auto overlay = std::make_shared<BundleOverlay>();
    if (before != nullptr) *overlay = *before;
    UnusedValues unused;
    overlay->changed =
        ChangeItems(bundle_->bundle(), bundle_->tags(), overlay->changed,
                    state_, items, after, &unused);
    bundle_->changes().Put(std::move(overlay));
    return unused;
  }

 private:
  const Serving bundle_;
  ChangedAttributes state_{TypesOfValue};
  uint64_t number_ = 0;
};

class Draw {
 public:
  explicit Draw(uint32_t seed) : random_(seed) {}

  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  bool OneIn(uint32_t n) { return Below(n) == 0; }

  std::string Term() {
    switch (Below(9)) {
      case 0:
        return OneIn(2) ? "in_stock" : "in_stock = false";
      case 1:
        return fmt::format("brand:(b{} OR b{} OR fresh)", Below(60), Below(9));
      case 2:
        return fmt::format("tags:t{}", Below(20));
      case 3:
        return OneIn(2) ? "tags:fresh" : "NOT tags:*";
      case 4:
        return fmt::format("year >= {}", 1900 + Below(300));
      case 5:
        return fmt::format("price < {}", Below(9000));
      case 6:
        return fmt::format("created_at > 1970-0{}-01", 1 + Below(6));
      case 7:
        return fmt::format("brand != b{}", Below(4));
      default:
        return "NOT price:*";
    }
  }
  std::string Where() {
    std::string where = Term();
    for (uint32_t i = Below(3); i > 0; --i) {
      where += (OneIn(2) ? " AND " : " OR ") + Term();
    }
    return where;
  }
  std::string Request() {
    std::string text =
        fmt::format("user_id: {} k: {} ", Below(kRandomUsers), 5 + Below(60));
    if (!OneIn(4)) {
      text += fmt::format("filter {{ where: '{}' {} }} ", Where(),
                          OneIn(3) ? "when_short: RELAX relax: 'price' "
                                     "relax: 'brand'"
                                   : "");
    }
    for (const char* const attribute :
         {"brand", "tags", "in_stock", "year", "created_at"}) {
      if (OneIn(5)) {
        text += fmt::format("caps {{ attribute: '{}' max: {} }} ", attribute,
                            1 + Below(6));
      }
    }
    if (OneIn(3)) {
      text += fmt::format("boosts {{ where: '{}' factor: {} }} ", Term(),
                          OneIn(2) ? 3 : 0.2);
    }
    if (OneIn(3)) {
      text +=
          "decay { attribute: 'created_at' half_life_days: 40 "
          "at: '1970-06-01' } ";
    }
    return text;
  }
  // A value that the item gets.
  v1::Change Change(std::vector<AttributedItem>* items) {
    const Row row = Below(kRandomItems);
    AttributedItem other = DrawItems(1, Below(1 << 30)).front();
    if (OneIn(3)) other.brand = "fresh";
    if (OneIn(3)) other.tags.insert("fresh");
    const std::vector<std::string> names = AttributeNames();
    const std::string& name = names[Below(static_cast<uint32_t>(names.size()))];
    CopyAttribute(name, other, &(*items)[row]);
    return SetAttribute(KeyOf(row), name, other);
  }

 private:
  std::mt19937 random_;
};

class ChangedItemsTest : public testing::Test {
 protected:
  // What of the answer does not depend on how long things took.
  std::string Answer(const Serving& bundle, const std::string& text) {
    v1::RetrieveRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request))
        << text;
    v1::RetrieveResponse response;
    const absl::Status status =
        pipeline_.Retrieve(bundle, request, SteadyTime::max(), &response);
    if (!status.ok()) return status.ToString();
    for (v1::SourceReport& source : *response.mutable_source_reports()) {
      source.clear_micros();
    }
    return response.DebugString();
  }

  ServerMetrics metrics_;
  WorkerPool pool_{1, 4};
  const Pipeline pipeline_{Config(), &pool_, &metrics_, nullptr};
};

TEST_F(ChangedItemsTest, AnswersAreThoseOfABundleWrittenWithTheValues) {
  int filtered = 0;
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    Draw draw(seed);
    std::vector<AttributedItem> items = DrawItems(kRandomItems, seed);
    const Serving bundle = ServeRandomBundle(seed);
    metrics_.MadeResident(bundle->bundle().manifest());
    Changes changes(bundle);
    std::vector<std::string> requests;
    for (int i = 0; i < 40; ++i) requests.push_back(draw.Request());
    for (int round = 0; round < 6; ++round) {
      std::vector<v1::Change> batch;
      for (uint32_t i = 1 + draw.Below(round == 3 ? 2000 : 40); i > 0; --i) {
        batch.push_back(draw.Change(&items));
      }
      EXPECT_TRUE(changes.Apply(std::move(batch)).refused.empty());
      const Serving written = ServeRandomBundle(seed, items);
      // Twice: from what is kept, and again.
      for (const std::string& request : requests) {
        const std::string expected = Answer(written, request);
        ASSERT_EQ(Answer(bundle, request), expected) << request;
        ASSERT_EQ(Answer(bundle, request), expected) << request;
        filtered += expected.find("item_keys") != std::string::npos;
      }
    }
  }
  EXPECT_GT(filtered, 500);
}

TEST_F(ChangedItemsTest, AFilterIsEvaluatedAnewOnlyIfItsAttributesChanged) {
  const Serving bundle = ServeRandomBundle(1);
  Changes changes(bundle);
  const auto is_kept = [&](const std::string& where) {
    bool hit = false;
    const auto overlay = bundle->changes().overlay();
    EXPECT_TRUE(bundle->filters()
                    .Resolve(AttributesUnder(bundle->bundle(), overlay.get()),
                             where, nullptr, {.cache_bytes = 1 << 20}, &hit)
                    .ok());
    return hit;
  };
  AttributedItem cheap;
  cheap.price = 0.01;
  EXPECT_FALSE(is_kept("price < 100"));
  EXPECT_FALSE(is_kept("brand = b1"));
  EXPECT_FALSE(is_kept("brand = b1 AND price < 100"));
  changes.Apply({SetAttribute(KeyOf(7), "price", cheap)});
  EXPECT_FALSE(is_kept("price < 100"));
  EXPECT_TRUE(is_kept("price < 100"));
  EXPECT_TRUE(is_kept("brand = b1"));
  EXPECT_FALSE(is_kept("brand = b1 AND price < 100"));
  changes.Apply({SetAttribute(KeyOf(7), "in_stock", cheap)});
  EXPECT_TRUE(is_kept("brand = b1 AND price < 100"));
}

TEST_F(ChangedItemsTest, WhatDoesNotFitIsNamedAndTheRestApplied) {
  const Serving bundle = ServeRandomBundle(1);
  Changes changes(bundle);
  const auto change = [](const std::string& item, const std::string& set) {
    v1::Change made;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        fmt::format("item: '{}' set {{ attributes {{ {} }} }}", item, set),
        &made));
    return made;
  };
  const UnusedValues unused = changes.Apply(
      {change("i001",
              "fields { key: 'price' value { string_value: 'cheap' } } "
              "fields { key: 'brand' value { string_value: 'kept' } } "
              "fields { key: 'colour' value { string_value: 'red' } }"),
       change("nobody", "fields { key: 'year' value { number_value: 1 } }"),
       change("i002", "fields { key: 'year' value { number_value: 1234 } }")});
  ASSERT_EQ(unused.refused.size(), 1U);
  EXPECT_EQ(unused.refused.at(1),
            "change 1 of item \"i001\": \"price\": \"cheap\", expected a "
            "finite number, such as 49.9");
  EXPECT_EQ(unused.unknown, 1U);
  EXPECT_EQ(bundle->changes().overlay()->changed->count, 2U);
  EXPECT_THAT(
      Answer(bundle, "user_id: 1 k: 5 filter { where: 'brand = kept' }"),
      HasSubstr("item_keys: \"i001\""));
  EXPECT_THAT(Answer(bundle, "user_id: 1 k: 5 filter { where: 'year = 1234' }"),
              HasSubstr("item_keys: \"i002\""));
}

// Readers see each batch whole or not at all.
TEST_F(ChangedItemsTest, ARequestSeesOneMomentWhileChangesAreApplied) {
  const Serving bundle = ServeRandomBundle(2);
  metrics_.MadeResident(bundle->bundle().manifest());
  Changes changes(bundle);
  const auto set_all = [&](const std::string& brand, int64_t year) {
    std::vector<v1::Change> batch;
    AttributedItem item;
    item.brand = brand;
    item.year = year;
    for (Row row = 0; row < kRandomItems; ++row) {
      batch.push_back(SetAttribute(KeyOf(row), "brand", item));
      batch.push_back(SetAttribute(KeyOf(row), "year", item));
    }
    changes.Apply(std::move(batch));
  };
  set_all("v0", 0);
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  std::atomic<int> asked{0};
  for (int t = 0; t < 2; ++t) {
    readers.emplace_back([&] {
      while (!stop) {
        // All items have one brand: with a cap of it the list is that long.
        v1::RetrieveRequest request;
        request.set_k(30);
        request.mutable_filter()->set_where("year >= 0 AND brand:*");
        v1::Cap* const cap = request.add_caps();
        cap->set_attribute("brand");
        cap->set_max(7);
        v1::RetrieveResponse response;
        const absl::Status status =
            pipeline_.Retrieve(bundle, request, SteadyTime::max(), &response);
        ASSERT_TRUE(status.ok()) << status;
        ASSERT_EQ(response.item_keys_size(), 7);
        ASSERT_EQ(response.filter().passing_items(), kRandomItems);
        ++asked;
      }
    });
  }
  for (int version = 1; version < 40 || asked < 200; ++version) {
    set_all(fmt::format("v{}", version), version);
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace tributary
