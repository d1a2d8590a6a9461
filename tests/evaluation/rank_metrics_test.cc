#include "evaluation/rank_metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace tributary {
namespace {

constexpr double kLog3 = 1.5849625007211562;  // log2(3)

TEST(MetricsAt, AreThoseComputedByHand) {
  // Hits at ranks 2 and 4; the third test item is not in the catalogue.
  const TestUser user{"u", {3, 7}, 3};
  const std::vector<Row> list = {1, 3, 2, 7, 5};
  const auto at = MetricsAt(user, list, std::vector<uint32_t>{1, 2, 4, 100});
  ASSERT_EQ(at.size(), 4);
  EXPECT_EQ(at[0], (RankMetrics{0, 0, 0, 0, 0}));
  EXPECT_NEAR(at[1][0], 1 / 3.0, 1e-12);
  EXPECT_EQ(at[1][1], 1);
  EXPECT_NEAR(at[1][2], (1 / kLog3) / (1 + 1 / kLog3), 1e-12);
  EXPECT_NEAR(at[1][3], 1 / 2.0, 1e-12);
  EXPECT_NEAR(at[1][4], (1 / 2.0) / 2, 1e-12);
  const double gain = 1 / kLog3 + 1 / std::log2(5);
  for (const size_t j : {2, 3}) {
    EXPECT_NEAR(at[j][0], 2 / 3.0, 1e-12);
    EXPECT_NEAR(at[j][2], gain / (1 + 1 / kLog3 + 1 / 2.0), 1e-12);
    EXPECT_NEAR(at[j][3], 1 / 2.0, 1e-12);
    EXPECT_NEAR(at[j][4], (1 / 2.0 + 2 / 4.0) / 3, 1e-12);
  }
}

TEST(MetricsAt, OfAPerfectListAreOneFromAllTestItemsOn) {
  const TestUser user{"u", {4, 5, 6}, 3};
  const std::vector<Row> list = {6, 4, 5, 1};
  const auto at = MetricsAt(user, list, std::vector<uint32_t>{1, 2, 3, 4});
  EXPECT_NEAR(at[0][0], 1 / 3.0, 1e-12);
  for (size_t j = 0; j < at.size(); ++j) {
    // The ideal is over min(k, test items).
    for (const size_t m : {1, 2, 3, 4}) EXPECT_NEAR(at[j][m], 1, 1e-12);
  }
  EXPECT_EQ(at[2][0], 1);
}

TEST(MetricsAt, OfShortAndEmptyListsAreDefined) {
  const TestUser user{"u", {4, 5, 6}, 30};
  for (const auto& list : {std::vector<Row>{}, std::vector<Row>{9, 8}}) {
    for (const RankMetrics& at :
         MetricsAt(user, list, std::vector<uint32_t>{1, 20, 500})) {
      EXPECT_EQ(at, (RankMetrics{0, 0, 0, 0, 0}));
    }
  }
}

TEST(MetricsAt, OfAUserWithoutTestItemsAreZero) {
  const TestUser nobody{"u", {}, 0};
  const std::vector<Row> list = {1, 2};
  for (const RankMetrics& at :
       MetricsAt(nobody, list, std::vector<uint32_t>{1, 20})) {
    EXPECT_EQ(at, (RankMetrics{0, 0, 0, 0, 0}));
  }
  const auto sampled = MetricsAmongSampled(nobody, list, 6, 0, 100, 10);
  EXPECT_EQ(sampled.hit, 0);
  EXPECT_EQ(sampled.ndcg, 0);
  EXPECT_EQ(RecallAt(nobody, list, std::vector<uint32_t>{2})[0], 0);
}

TEST(MetricsAmongSampled, OfACatalogueWithoutOtherItemsAreDefined) {
  // Nothing is left to draw: all is seen or in the test set.
  const TestUser user{"u", {0, 1}, 2};
  for (const auto& list : {std::vector<Row>{}, std::vector<Row>{0, 1}}) {
    const auto sampled = MetricsAmongSampled(user, list, 2, 4, 100, 10);
    EXPECT_TRUE(std::isfinite(sampled.hit));
    EXPECT_TRUE(std::isfinite(sampled.ndcg));
  }
}

// The same by drawing: the mean over many draws.
SampledMetrics Drawn(const TestUser& user, const std::vector<Row>& list,
                     Row n_items, Row n_seen, uint32_t n, uint32_t k) {
  std::mt19937_64 engine(3);
  std::vector<double> place(n_items, 1e9);
  for (size_t i = 0; i < list.size(); ++i) place[list[i]] = double(i);
  std::vector<Row> others;
  // The last rows are the seen ones.
  for (Row row = 0; row < n_items - n_seen; ++row) {
    if (!std::binary_search(user.items.begin(), user.items.end(), row)) {
      others.push_back(row);
    }
  }
  constexpr int kDraws = 20000;
  SampledMetrics sum;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::shuffle(others.begin(), others.end(), engine);
    for (const Row item : user.items) {
      uint32_t ahead = 0;
      uint32_t ties = 0;
      for (size_t i = 0; i < std::min<size_t>(n, others.size()); ++i) {
        ahead += place[others[i]] < place[item];
        ties += place[others[i]] == place[item];
      }
      const uint32_t rank = 1 + ahead + uint32_t(engine() % (ties + 1));
      if (rank > k) continue;
      sum.hit += 1;
      sum.ndcg += 1 / std::log2(1.0 + rank);
    }
  }
  const double all = double(kDraws) * double(user.n_items);
  return {sum.hit / all, sum.ndcg / all};
}

TEST(MetricsAmongSampled, AreTheMeanOverDraws) {
  const TestUser user{"u", {2, 11, 40}, 4};
  std::vector<Row> list;
  for (Row row = 0; row < 30; ++row) list.push_back(row * 7 % 31);
  // Few, most, and more than all of the others.
  for (const uint32_t n : {8, 35, 1000}) {
    const auto exact = MetricsAmongSampled(user, list, 50, 6, n, 5);
    const auto drawn = Drawn(user, list, 50, 6, n, 5);
    EXPECT_NEAR(exact.hit, drawn.hit, .01) << n;
    EXPECT_NEAR(exact.ndcg, drawn.ndcg, .01) << n;
  }
}

TEST(MetricsAmongSampled, OfAllOthersAreThoseOfTheWholeCatalogue) {
  // Every item is listed, so that nothing is left to chance.
  const TestUser user{"u", {3}, 1};
  const std::vector<Row> list = {0, 1, 2, 3, 4, 5};
  EXPECT_NEAR(MetricsAmongSampled(user, list, 6, 0, 100, 3).hit, 0, 1e-12);
  const auto found = MetricsAmongSampled(user, list, 6, 0, 100, 4);
  EXPECT_NEAR(found.hit, 1, 1e-12);
  EXPECT_NEAR(found.ndcg, 1 / std::log2(5), 1e-12);
}

TEST(MetricsAmongSampled, ChanceIsWhatAnEmptyListGets) {
  const TestUser user{"u", {3}, 1};
  EXPECT_NEAR(MetricsAmongSampled(user, {}, 1000, 0, 99, 10).hit, .1, 1e-12);
}

}  // namespace
}  // namespace tributary
