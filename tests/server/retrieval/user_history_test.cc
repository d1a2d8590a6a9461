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

}  // namespace
}  // namespace tributary
