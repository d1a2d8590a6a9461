#include "evaluation/held_out_users.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary {
namespace {

using testing::ElementsAre;

TEST(RecallAt, CountsHitsInPrefixesAndItemsTheCatalogueLacks) {
  const TestUser user{"u", {1, 5, 9}, 4};
  const std::vector<Row> list = {5, 2, 9, 7};
  EXPECT_THAT(RecallAt(user, list, std::vector<uint32_t>{1, 2, 3, 500}),
              ElementsAre(.25, .25, .5, .5));
}

TEST(FindTestUsers, FindsRowsOfKnownItemsOnly) {
  const auto users = FindTestUsers({{"ann", {"tea", "milk"}}}, KeyTable());
  ASSERT_EQ(users.size(), 1);
  EXPECT_EQ(users[0].n_items, 2);
  EXPECT_TRUE(users[0].items.empty());
}

}  // namespace
}  // namespace tributary
