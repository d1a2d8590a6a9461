#include "evaluation/list_quality.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "evaluation/source_overlap.h"
#include "index/bundle/bundle.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

TEST(Exposure, KnowsEqualAndUnequalShares) {
  Exposure equal(4);
  equal.Add(std::vector<Row>{0, 1});
  equal.Add(std::vector<Row>{2, 3});
  EXPECT_EQ(equal.Coverage(), 1);
  EXPECT_NEAR(equal.Gini(), 0, 1e-12);

  Exposure one(4);
  for (int i = 0; i < 5; ++i) one.Add(std::vector<Row>{2});
  EXPECT_EQ(one.Coverage(), .25);
  // All of it with one of n: (n - 1) / n.
  EXPECT_NEAR(one.Gini(), .75, 1e-12);

  Exposure none(4);
  EXPECT_EQ(none.Coverage(), 0);
  EXPECT_EQ(none.Gini(), 0);
}

TEST(Exposure, UnderAFilterTheCatalogueIsWhatPasses) {
  RowSet rows(100);
  for (const Row row : {10, 20, 30, 40}) rows.Add(row);
  const PassingItems passing(rows);
  Exposure filtered(100, &passing);
  for (int i = 0; i < 5; ++i) filtered.Add(std::vector<Row>{20, 50});
  EXPECT_EQ(filtered.Coverage(), .25);
  EXPECT_NEAR(filtered.Gini(), .75, 1e-12);
  const PassingItems nothing(RowSet(100));
  EXPECT_EQ(Exposure(100, &nothing).Coverage(), 0);
}

TEST(Exposure, OfAnEmptyCatalogueIsZero) {
  const Exposure nothing(0);
  EXPECT_EQ(nothing.Coverage(), 0);
  EXPECT_EQ(nothing.Gini(), 0);
}

TEST(Exposure, GiniIsTheMeanAbsoluteDifference) {
  Exposure exposure(3);
  const std::vector<int> counts = {1, 2, 6};
  for (Row row = 0; row < 3; ++row) {
    for (int i = 0; i < counts[row]; ++i) exposure.Add(std::vector<Row>{row});
  }
  double differences = 0;
  for (const int a : counts) {
    for (const int b : counts) differences += std::abs(a - b);
  }
  EXPECT_NEAR(exposure.Gini(), differences / (2 * 3 * 9), 1e-12);
}

TEST(Novelty, IsTheMeanOfBits) {
  const std::vector<uint32_t> users = {7, 0};
  EXPECT_NEAR(*Novelty(std::vector<Row>{0}, users, 7), 0, 1e-12);
  EXPECT_NEAR(*Novelty(std::vector<Row>{0, 1}, users, 7), 1.5, 1e-12);
  EXPECT_EQ(Novelty({}, users, 7), std::nullopt);
}

TEST(Diversity, IsOneMinusTheMeanCosineOfPairs) {
  const auto bundle = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  ASSERT_TRUE(bundle.ok());
  const VectorTable& vectors = (*bundle)->FindSpace("taste")->items;
  const auto cosine = [&](Row a, Row b) {
    float x[2], y[2];
    vectors.Read(a, x);
    vectors.Read(b, y);
    return (x[0] * y[0] + x[1] * y[1]) /
           (std::hypot(x[0], x[1]) * std::hypot(y[0], y[1]));
  };
  const double mean = (cosine(0, 1) + cosine(0, 4) + cosine(1, 4)) / 3;
  // Row 5 has no vector.
  EXPECT_NEAR(*Diversity(std::vector<Row>{0, 1, 4, 5}, vectors), 1 - mean,
              1e-6);
  EXPECT_EQ(Diversity(std::vector<Row>{0, 5}, vectors), std::nullopt);
  EXPECT_EQ(Diversity({}, vectors), std::nullopt);
}

TEST(SourceOverlap, CountsWhatIsInCommonAndWhatOneAloneHits) {
  const TestUser ann{"ann", {1, 2, 9}, 3};
  const TestUser bob{"bob", {5}, 1};
  const std::vector<Row> a = {1, 2, 3}, b = {3, 2, 4, 7}, none;
  SourceOverlap overlap(3);
  overlap.Add(ann, std::vector<std::span<const Row>>{a, b, none});
  overlap.Add(bob, std::vector<std::span<const Row>>{none, b, none});
  EXPECT_EQ(overlap.Jaccard(0, 0), 1);
  // 2 in both; 3 + 8 in each.
  EXPECT_NEAR(overlap.Jaccard(0, 1), 2 / 9.0, 1e-12);
  EXPECT_EQ(overlap.Jaccard(0, 1), overlap.Jaccard(1, 0));
  EXPECT_EQ(overlap.Jaccard(2, 2), 0);
  EXPECT_EQ(overlap.hits(0), 2);
  EXPECT_EQ(overlap.unique_hits(0), 1);
  EXPECT_EQ(overlap.hits(1), 1);
  EXPECT_EQ(overlap.unique_hits(1), 0);
}

}  // namespace
}  // namespace tributary
