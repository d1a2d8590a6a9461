#include "index/filter/filter_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/text_format.h"
#include "index/bundle/change_column.h"
#include "tests/index/filter/attributed_items.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::testing::StartsWith;

using Filter = std::shared_ptr<const ResolvedFilter>;

v1::Predicate Message(const std::string& text) {
  v1::Predicate predicate;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &predicate));
  return predicate;
}

class FilterCacheTest : public testing::Test {
 protected:
  // `hit`: whether it must have been kept.
  Filter Resolve(const std::string& where, bool hit,
                 const v1::Predicate* predicate = nullptr) {
    bool was_hit = !hit;
    const auto filter =
        cache_.Resolve({*bundle_, changed_.empty() ? nullptr : &changed_},
                       where, predicate, limits_, &was_hit);
    EXPECT_TRUE(filter.ok()) << filter.status();
    EXPECT_EQ(was_hit, hit) << where;
    return filter.ok() ? *filter : nullptr;
  }
  // Gives the first item another value.
  void Change(const std::string& attribute, ColumnValue value) {
    changed_.resize(bundle_->attributes().size());
    const AttributeView now(*bundle_, &changed_);
    const size_t index = now.IndexOf(attribute);
    std::vector<RowValue> values;
    values.push_back({0, std::move(value)});
    changed_[index] = std::make_shared<const ChangedColumn>(ChangeColumn(
        bundle_->attributes()[index], now[index], std::move(values)));
  }
  std::vector<FilterCache::Kept> Refresh(size_t max) {
    return cache_.Refresh({*bundle_, &changed_}, max,
                          std::chrono::steady_clock::time_point::max());
  }
  // How many items pass, by definition.
  uint64_t CountByDefinition(const v1::Predicate& predicate) const {
    uint64_t count = 0;
    for (const AttributedItem& item : items_) count += Passes(item, predicate);
    return count;
  }

  const std::vector<AttributedItem> items_ = DrawItems(3000, 1);
  const std::shared_ptr<const Bundle> bundle_ = OpenBundleOf(items_);
  FilterLimits limits_ = {.cache_bytes = 1 << 20};
  FilterCache cache_;
  ChangedColumns changed_;
};

TEST_F(FilterCacheTest, KeepsWhatItEvaluated) {
  const Filter first = Resolve("in_stock", false);
  EXPECT_EQ(Resolve("in_stock", true), first);
  EXPECT_NE(Resolve("NOT in_stock", false), first);
  // It is not understood before it is looked up.
  EXPECT_NE(Resolve("in_stock ", false), first);
  EXPECT_EQ(Resolve("in_stock", true), first);
}

TEST_F(FilterCacheTest, KeepsIntersectionsByTheirPartsWhateverTheOrder) {
  const Filter stock = Resolve("in_stock", false);
  const Filter brand = Resolve("brand : *", false);
  const Filter year = Resolve("year > 2000", false);
  const auto intersect = [&](std::vector<const PassingItems*> parts) {
    return cache_.Intersect(parts, limits_);
  };
  const Filter two = intersect({&stock->items, &brand->items});
  EXPECT_EQ(intersect({&brand->items, &stock->items}), two);
  EXPECT_EQ(intersect({&brand->items, &stock->items, &brand->items}), two);
  const Filter three = intersect({&brand->items, &stock->items, &year->items});
  EXPECT_NE(three, two);
  uint64_t in_two = 0;
  for (Row row = 0; row < items_.size(); ++row) {
    const bool in_both = stock->items.Has(row) && brand->items.Has(row);
    EXPECT_EQ(two->items.Has(row), in_both);
    EXPECT_EQ(three->items.Has(row), in_both && year->items.Has(row));
    in_two += in_both;
  }
  EXPECT_EQ(two->items.count(), in_two);
  // The same items again are another object.
  const PassingItems again(stock->items.rows());
  EXPECT_NE(intersect({&again, &brand->items}), two);
  limits_.cache_bytes = 0;
  EXPECT_EQ(intersect({&stock->items, &brand->items}), two);
  EXPECT_NE(intersect({&stock->items, &year->items}),
            intersect({&stock->items, &year->items}));
}

TEST_F(FilterCacheTest, TextAndMessageMustBothPass) {
  const v1::Predicate cheap =
      Message("term { attribute: 'price' range { below { integer: 500 } } }");
  const v1::Predicate in_stock =
      Message("term { attribute: 'in_stock' equals { flag: true } }");
  const Filter both = Resolve("in_stock", false, &cheap);
  v1::Predicate expected;
  *expected.mutable_all()->add_predicates() = cheap;
  *expected.mutable_all()->add_predicates() = in_stock;
  EXPECT_EQ(both->items.count(), CountByDefinition(expected));
  EXPECT_GT(both->items.count(), 0);
  const Filter text = Resolve("in_stock", false);
  EXPECT_EQ(text->items.count(), CountByDefinition(in_stock));
  const Filter message = Resolve("", false, &cheap);
  EXPECT_EQ(message->items.count(), CountByDefinition(cheap));
  EXPECT_EQ(Resolve("in_stock", true, &cheap), both);
  EXPECT_EQ(Resolve("", true, &cheap), message);
}

TEST_F(FilterCacheTest, ReportsUnknownValuesOfBothTheFirstSixteen) {
  v1::Predicate message;
  message.mutable_term()->set_attribute("brand");
  for (int i = 0; i < 20; ++i) {
    message.mutable_term()->mutable_any_of()->add_values()->set_text(
        fmt::format("x{}", i));
  }
  const Filter both =
      Resolve("brand : (y1 OR y2) AND tags : y3", false, &message);
  ASSERT_THAT(both->unknown_values, SizeIs(16));
  EXPECT_EQ(both->unknown_values[2], "tags: y3");
  EXPECT_EQ(both->unknown_values[3], "brand: x0");
}

TEST_F(FilterCacheTest, ErrorsAreNotKept) {
  for (int i = 0; i < 2; ++i) {
    bool hit = true;
    const auto wrong =
        cache_.Resolve(*bundle_, "in_stock =", nullptr, limits_, &hit);
    EXPECT_FALSE(hit);
    EXPECT_EQ(wrong.status(),
              absl::InvalidArgumentError("filter.where: at byte 10: the filter "
                                         "ends here, expected a value"));
    const v1::Predicate empty;
    const auto message =
        cache_.Resolve(*bundle_, "in_stock", &empty, limits_, &hit);
    EXPECT_FALSE(hit);
    EXPECT_THAT(std::string(message.status().message()),
                StartsWith("filter.predicate: one of"));
    EXPECT_THAT(
        std::string(cache_.Resolve(*bundle_, "stock", nullptr, limits_, &hit)
                        .status()
                        .message()),
        StartsWith("filter.where: at byte 0: \"stock\" is no attribute"));
  }
}

TEST_F(FilterCacheTest, PassesTheLimitsOn) {
  limits_.max_terms = 1;
  bool hit;
  EXPECT_THAT(std::string(cache_
                              .Resolve(*bundle_, "in_stock AND year : *",
                                       nullptr, limits_, &hit)
                              .status()
                              .message()),
              StartsWith("filter.where: at byte 13: more than 1 terms"));
  limits_ = {.max_depth = 1};
  const v1::Predicate nested =
      Message("negated { term { attribute: 'year' exists: true } }");
  EXPECT_EQ(cache_.Resolve(*bundle_, "", &nested, limits_, &hit).status(),
            absl::InvalidArgumentError(
                "filter.predicate.negated: nested deeper than 1"));
  limits_ = {.max_text_bytes = 2};
  EXPECT_EQ(
      cache_.Resolve(*bundle_, "brand = abc", nullptr, limits_, &hit).status(),
      absl::InvalidArgumentError("filter.where: at byte 0: 3 bytes, "
                                 "limits.max_key_bytes is 2"));
}

std::string Year(int i) { return fmt::format("year = {}", i); }

TEST_F(FilterCacheTest, DropsWhatWasUsedLongestAgo) {
  // Room for three.
  limits_.cache_bytes = 0;
  limits_.cache_bytes = 3 * (Resolve(Year(1), false)->items.size_bytes() + 40);
  for (int i = 1; i <= 3; ++i) Resolve(Year(i), false);
  for (int i = 1; i <= 3; ++i) Resolve(Year(i), true);
  Resolve(Year(1), true);
  const Filter kept = Resolve(Year(4), false);
  Resolve(Year(1), true);
  Resolve(Year(3), true);
  Resolve(Year(2), false);
  EXPECT_EQ(Resolve(Year(1), true)->items.count(), 0);
  Resolve(Year(4), false);
  EXPECT_EQ(kept->items.rows().size(), 3000);
}

TEST_F(FilterCacheTest, WhatWasReturnedSurvivesItsEviction) {
  const Filter kept = Resolve("in_stock", false);
  const uint64_t count = kept->items.count();
  std::weak_ptr<const ResolvedFilter> dropped = Resolve(Year(0), false);
  limits_.cache_bytes = kept->items.size_bytes() + 100;
  for (int i = 1; i < 10; ++i) Resolve(Year(i), false);
  EXPECT_TRUE(dropped.expired());
  EXPECT_EQ(kept->items.count(), count);
  EXPECT_EQ(kept->items.rows().Count(), count);
  Resolve("in_stock", false);
}

TEST_F(FilterCacheTest, KeepsNothingWithoutMemory) {
  limits_.cache_bytes = 0;
  std::weak_ptr<const ResolvedFilter> filter = Resolve("in_stock", false);
  EXPECT_TRUE(filter.expired());
  Resolve("in_stock", false);
  // One that takes more than all memory is not kept either.
  limits_.cache_bytes = 100;
  filter = Resolve("in_stock", false);
  EXPECT_TRUE(filter.expired());
  Resolve("in_stock", false);
}

TEST_F(FilterCacheTest, KeepsAThousandSmallOnesAtMost) {
  limits_.cache_bytes = uint64_t{1} << 40;
  for (int i = 0; i < 1025; ++i) Resolve(Year(i), false);
  Resolve(Year(1), true);
  Resolve(Year(0), false);
}

TEST_F(FilterCacheTest, EvaluatesAnewWhatReadsAColumnThatChanged) {
  Change("price", -1.0);
  const Filter cheap = Resolve("price < 100", false);
  const Filter brand = Resolve("brand = b1", false);
  const Filter both = Resolve("brand = b1 OR price < 100", false);
  Change("price", 1e9);
  const Filter dear = Resolve("price < 100", false);
  EXPECT_TRUE(cheap->items.Has(0));
  EXPECT_FALSE(dear->items.Has(0));
  EXPECT_EQ(Resolve("price < 100", true), dear);
  EXPECT_EQ(Resolve("brand = b1", true), brand);
  EXPECT_NE(Resolve("brand = b1 OR price < 100", false), both);
}

TEST_F(FilterCacheTest, RefreshesWhatWasUsed) {
  Change("price", -1.0);
  const v1::Predicate cheap_as_message =
      Message("term { attribute: 'price' range { below { number: 100 } } }");
  const Filter cheap = Resolve("price < 100", false);
  const Filter message = Resolve("", false, &cheap_as_message);
  // Whoever passes this does so at either price.
  const Filter priced = Resolve("price:*", false);
  const Filter brand = Resolve("brand = b1", false);
  Change("price", 1e9);
  const auto refreshed = Refresh(10);
  EXPECT_THAT(refreshed, SizeIs(4));
  // Until they are kept, requests find what they had; this one has the new
  // column.
  cache_.Keep(refreshed);
  EXPECT_FALSE(Resolve("price < 100", true)->items.Has(0));
  EXPECT_FALSE(Resolve("", true, &cheap_as_message)->items.Has(0));
  EXPECT_EQ(Resolve("price:*", true), priced);
  EXPECT_EQ(Resolve("brand = b1", true), brand);
  // Only what was used since, and the last first.
  EXPECT_THAT(Refresh(10), SizeIs(4));
  EXPECT_THAT(Refresh(10), SizeIs(0));
  Resolve("brand = b1", true);
  Resolve("price:*", true);
  const auto last = Refresh(1);
  ASSERT_THAT(last, SizeIs(1));
  EXPECT_EQ(last[0].filter, priced);
}

TEST_F(FilterCacheTest, ThreadsMayUseItAtTheSameTime) {
  std::vector<uint64_t> expected;
  for (int i = 0; i < 20; ++i) {
    v1::Predicate predicate;
    predicate.mutable_term()->set_attribute("year");
    predicate.mutable_term()->mutable_equals()->set_integer(1900 + i);
    expected.push_back(CountByDefinition(predicate));
  }
  // Some are dropped all the time.
  limits_.cache_bytes = 8 * (Resolve(Year(1900), false)->items.size_bytes());
  std::vector<std::thread> threads;
  std::atomic<int> hits{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const int year = (i * (t + 1) / 3) % 20;
        bool hit = false;
        const auto filter =
            cache_.Resolve(*bundle_, Year(1900 + year), nullptr, limits_, &hit);
        ASSERT_TRUE(filter.ok()) << filter.status();
        ASSERT_EQ((*filter)->items.count(), expected[year]);
        hits += hit;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(hits, 0);
  EXPECT_LT(hits, 8000);
}

}  // namespace
}  // namespace tributary
