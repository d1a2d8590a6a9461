#include "index/search/top_k.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<ScoredRow> Sorted(std::span<const float> scores, size_t n) {
  std::vector<ScoredRow> all;
  for (Row row = 0; row < scores.size(); ++row) {
    all.push_back({row, scores[row]});
  }
  std::sort(all.begin(), all.end(), Better);
  all.resize(std::min(n, all.size()));
  return all;
}

std::vector<ScoredRow> Select(std::span<const float> scores, uint32_t n,
                              size_t block) {
  std::vector<ScoredRow> hits = {{99, 99}};
  TopK top(n, &hits);
  for (size_t begin = 0; begin < scores.size(); begin += block) {
    top.Offer(static_cast<Row>(begin),
              scores.subspan(begin, std::min(block, scores.size() - begin)));
  }
  top.Finish();
  return hits;
}

TEST(TopK, EqualsASortThatBreaksTiesByRow) {
  std::mt19937 random(1);
  for (const size_t size : {0, 1, 15, 16, 17, 1000, 5000}) {
    // Few different values, so that most selections cut through ties.
    for (const int values : {1, 10, 1000000}) {
      std::vector<float> scores(size);
      for (float& score : scores) score = random() % values;
      for (const uint32_t n : {0, 1, 2, 7, 500, 6000}) {
        for (const size_t block : {1, 100, 1024}) {
          ASSERT_EQ(Select(scores, n, block), Sorted(scores, n))
              << size << " scores, " << values << " values, n " << n;
        }
      }
    }
  }
}

TEST(TopK, KeepsTheBestWhateverTheirOrder) {
  std::vector<float> scores(4000);
  for (size_t i = 0; i < scores.size(); ++i) scores[i] = i;
  EXPECT_EQ(Select(scores, 10, 100), Sorted(scores, 10));
  std::reverse(scores.begin(), scores.end());
  EXPECT_EQ(Select(scores, 10, 100), Sorted(scores, 10));
}

TEST(TopK, NeverSelectsNanOrMinusInfinity) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(Select(std::vector<float>{nan, -inf, 3, nan}, 4, 4),
              ElementsAre(ScoredRow{2, 3}));
  EXPECT_THAT(Select(std::vector<float>(40, nan), 4, 40), IsEmpty());
}

TEST(TopK, DoesNotAllocateOnceHitsHaveRoom) {
  std::vector<ScoredRow> hits;
  hits.reserve(20);
  const auto* const data = hits.data();
  TopK top(10, &hits);
  for (Row row = 0; row < 1000; ++row) {
    const float score = static_cast<float>(row);
    top.Offer(row, {&score, 1});
  }
  top.Finish();
  EXPECT_EQ(hits.data(), data);
}

}  // namespace
}  // namespace tributary
