#include "index/filter/passing_items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <span>
#include <thread>
#include <vector>

#include "tests/index/search/allowed.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;

// An index that counts how often it is asked what a filter allows.
class CountingIndex : public VectorIndex {
 public:
  explicit CountingIndex(const VectorTable& items)
      : index_(MakeFlatIndex(items)) {}

  absl::Status Search(std::span<const float> query, uint32_t n,
                      const RowFilter& filter, const SearchTerms& terms,
                      std::vector<ScoredRow>* hits) const override {
    return index_->Search(query, n, filter, terms, hits);
  }
  std::unique_ptr<const AllowedVectors> Allow(
      const RowSet& rows) const override {
    ++made_;
    return index_->Allow(rows);
  }
  uint32_t expected_us(uint32_t n) const override {
    return index_->expected_us(n);
  }
  int made() const { return made_; }

 private:
  const std::unique_ptr<VectorIndex> index_;
  mutable std::atomic<int> made_{0};
};

std::shared_ptr<const Bundle> OddRows() {
  SpaceBundle description{.item_count = 200, .dim = 4};
  description.items = RandomVectors(100, 4, 1);
  for (Row row = 1; row < 200; row += 2) description.rows.push_back(row);
  return description.Open();
}

TEST(PassingItems, KnowsItsItems) {
  const std::vector<Row> rows = {0, 63, 64, 199};
  const PassingItems items(SetOf(rows, 200));
  EXPECT_EQ(items.count(), 4);
  for (Row row = 0; row < 200; ++row) {
    EXPECT_EQ(items.Has(row), std::ranges::find(rows, row) != rows.end());
  }
  EXPECT_GE(items.size_bytes(), items.rows().words().size_bytes());
}

TEST(PassingItems, TellsListsApartThatBeginInTheSamePlace) {
  const PassingItems items(SetOf(std::vector<Row>{3, 5, 9}, 10));
  const std::vector<Row> list = {9, 0, 3, 1, 5, 12};
  EXPECT_THAT(items.PlacesIn(list), ElementsAre(0, 2, 4));
  EXPECT_THAT(items.PlacesIn(std::span(list).first(3)), ElementsAre(0, 2));
  EXPECT_THAT(items.PlacesIn(list), ElementsAre(0, 2, 4));
}

TEST(PassingItems, MakesTheFormOfAnIndexOnceAndCountsIt) {
  const auto bundle = OddRows();
  const VectorTable& table = bundle->spaces()[0].items;
  const CountingIndex one(table);
  const CountingIndex two(table);
  const PassingItems items(SetOf(std::vector<Row>{1, 2, 3, 199}, 200));
  const uint64_t before = items.size_bytes();
  const AllowedVectors& allowed = items.For(one);
  // Positions of rows 1, 3 and 199; row 2 has no vector.
  EXPECT_EQ(allowed.positions, SetOf(std::vector<Row>{0, 1, 99}, 100));
  EXPECT_EQ(allowed.count, 3);
  EXPECT_THAT(allowed.few, ElementsAre(0, 1, 99));
  EXPECT_GE(items.size_bytes(), before + allowed.size_bytes());
  EXPECT_EQ(&items.For(one), &allowed);
  EXPECT_EQ(one.made(), 1);
  EXPECT_NE(&items.For(two), &allowed);
  EXPECT_EQ(&items.For(one), &allowed);
  EXPECT_EQ(one.made() + two.made(), 2);
}

TEST(PassingItems, ThreadsShareWhatOneOfThemMade) {
  const auto bundle = OddRows();
  const VectorTable& table = bundle->spaces()[0].items;
  for (int round = 0; round < 50; ++round) {
    const CountingIndex one(table);
    const CountingIndex two(table);
    const PassingItems items(SetOf(std::vector<Row>{1, 3}, 200));
    std::vector<const AllowedVectors*> seen(8);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < seen.size(); ++t) {
      threads.emplace_back([&, t] {
        seen[t] = &items.For(t % 2 == 0 ? one : two);
        EXPECT_EQ(seen[t]->count, 2);
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (size_t t = 0; t < seen.size(); ++t) EXPECT_EQ(seen[t], seen[t % 2]);
    EXPECT_EQ(one.made(), 1);
    EXPECT_EQ(two.made(), 1);
  }
}

}  // namespace
}  // namespace tributary
