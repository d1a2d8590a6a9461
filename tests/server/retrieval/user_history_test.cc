#include "server/retrieval/user_history.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<Row> Join(std::vector<Row> stored, std::vector<Row> recent,
                      uint32_t max_items = 100) {
  std::vector<Row> history = {99};
  JoinHistories(stored, recent, max_items, &history);
  return history;
}

TEST(JoinHistories, WhatTheRequestBringsComesAfterWhatIsStored) {
  EXPECT_THAT(Join({5, 2}, {9, 1}), ElementsAre(5, 2, 9, 1));
  EXPECT_THAT(Join({}, {9, 1}), ElementsAre(9, 1));
  EXPECT_THAT(Join({5, 2}, {}), ElementsAre(5, 2));
  EXPECT_THAT(Join({}, {}), IsEmpty());
}

TEST(JoinHistories, AnItemStandsWhereItCameLast) {
  EXPECT_THAT(Join({5, 2, 7}, {2, 9, 5, 9}), ElementsAre(7, 2, 5, 9));
}

TEST(JoinHistories, KeepsTheNewest) {
  EXPECT_THAT(Join({5, 2, 7}, {9}, 3), ElementsAre(2, 7, 9));
  EXPECT_THAT(Join({5, 2, 7}, {1, 3, 1}, 2), ElementsAre(3, 1));
  EXPECT_THAT(Join({5}, {5, 6, 7}, 2), ElementsAre(6, 7));
}

TEST(JoinCounting, AnItemWithoutWeightIsInNeitherPart) {
  std::vector<Row> history;
  const std::vector<Row> stored = {5, 2, 7};
  const std::vector<Row> recent = {2, 9, 1};
  const std::vector<float> weights = {0, .5F, 0};
  JoinCounting(stored, recent, weights, 3, &history);
  EXPECT_THAT(history, ElementsAre(5, 7, 9));
}

TEST(JoinWeighted, LikedItemsAreTheNewest) {
  std::vector<Row> history;
  std::vector<float> weights;
  const std::vector<Row> stored = {5, 2, 7};
  const std::vector<Row> recent = {2, 9};
  const std::vector<float> recent_weights = {.25F, 0};
  const std::vector<WeightedRow> liked = {{5, 3}, {8, 4}};
  JoinWeighted(
      stored,
      {.history = recent, .history_weights = recent_weights, .liked = liked},
      10, &history, &weights);
  EXPECT_THAT(history, ElementsAre(7, 2, 9, 5, 8));
  EXPECT_THAT(weights, ElementsAre(1, .25F, 0, 3, 4));
  JoinWeighted(stored, {.history = recent, .liked = liked}, 4, &history,
               &weights);
  EXPECT_THAT(history, ElementsAre(2, 9, 5, 8));
  EXPECT_THAT(weights, ElementsAre(1, 1, 3, 4));
  JoinWeighted(stored, {.history = recent}, 10, &history, &weights);
  EXPECT_THAT(history, ElementsAre(5, 7, 2, 9));
  EXPECT_THAT(weights, IsEmpty());
}

}  // namespace
}  // namespace tributary
