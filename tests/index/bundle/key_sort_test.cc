#include "index/bundle/key_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace tributary {
namespace {

TEST(SortByKey, IsStableForAnyNumberOfItems) {
  std::mt19937 random(1);
  std::vector<KeyedId> scratch;
  for (const uint32_t mask : {3U, 0xff00ffU, 0xffffffffU}) {
    for (uint32_t size = 0; size < 300; size += 1 + size / 8) {
      std::vector<KeyedId> items;
      for (uint32_t i = 0; i < size; ++i) {
        items.push_back({static_cast<uint32_t>(random()) & mask, i});
      }
      std::vector<KeyedId> expected = items;
      std::stable_sort(
          expected.begin(), expected.end(),
          [](const auto& a, const auto& b) { return a.key < b.key; });
      SortByKey(items, &scratch);
      for (uint32_t i = 0; i < size; ++i) {
        ASSERT_EQ(items[i].key, expected[i].key);
        ASSERT_EQ(items[i].id, expected[i].id);
      }
    }
  }
}

// After sorting by the highest digits, the insertion sort gives up.
TEST(SortByKey, SortsKeysThatDifferInTheLowestBitsButForOne) {
  std::mt19937 random(1);
  std::vector<KeyedId> items, scratch;
  for (uint32_t i = 0; i < 1000; ++i) {
    items.push_back({static_cast<uint32_t>(random()) & 0xffU, i});
  }
  items[500].key = 1U << 31;
  std::vector<KeyedId> expected = items;
  std::stable_sort(expected.begin(), expected.end(),
                   [](const auto& a, const auto& b) { return a.key < b.key; });
  SortByKey(items, &scratch);
  for (size_t i = 0; i < items.size(); ++i) {
    ASSERT_EQ(items[i].key, expected[i].key);
    ASSERT_EQ(items[i].id, expected[i].id);
  }
}

TEST(DescendingKey, SortsTheHighestFirstAndGivesTheScoreBack) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float scores[] = {infinity, 3e38F, 2,  1.5F,   1e-40F,   0,
                          -1e-40F,  -1,    -2, -3e38F, -infinity};
  for (size_t i = 0; i < std::size(scores); ++i) {
    EXPECT_EQ(ScoreOfKey(DescendingKey(scores[i])), scores[i]);
    if (i == 0) continue;
    EXPECT_LT(DescendingKey(scores[i - 1]), DescendingKey(scores[i]));
  }
  EXPECT_EQ(DescendingKey(-0.0F), DescendingKey(0.0F));
}

}  // namespace
}  // namespace tributary
