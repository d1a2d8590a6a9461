// Lists by category, and how trending chooses its half-life.
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/assemble/build_config.h"
#include "index/data/data_set_builder.h"
#include "index/data/random.h"
#include "index/train/popularity.h"
#include "index/train/trending.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kDay_s = 86400;

v1::Popularity Settings() {
  v1::Popularity settings = CompleteBuildConfig({})->popularity();
  settings.set_min_category_interactions(1);
  return settings;
}

// Item 0 is red, 1 red and blue, 2 blue, 3 green, 4 nothing; had 1, 3, 1, 0 and
// 1 times. The column "name" tells every item from every other.
DataSet Colours() {
  DataSetBuilder builder;
  const size_t colour =
      builder.item_features.AddColumn("Colour", FeatureColumn::Kind::kTokens);
  const std::string both = std::string("Red") + kTokenSeparator + "Blue";
  const std::string colours[] = {"Red", both, "Blue", "Green", ""};
  for (uint32_t i = 0; i < 5; ++i) {
    builder.items.Add(std::to_string(i));
    builder.item_features.Set(colour, i, colours[i]);
  }
  for (const char* key : {"a", "b", "c"}) builder.users.Add(key);
  for (const auto& [user, item] : std::vector<std::pair<uint32_t, uint32_t>>{
           {0, 0}, {0, 1}, {1, 1}, {2, 1}, {2, 2}, {2, 4}}) {
    builder.AddInteraction(user, item, 1, 0);
  }
  return std::move(builder).Finish();
}

TEST(CountCategories, ListsTheItemsOfACategoryByTheirShareOfIt) {
  CountedPopularity counted;
  ASSERT_TRUE(CountCategories(Colours(), Settings(), &counted).ok());
  ASSERT_EQ(counted.lists.size(), 2);  // nobody had anything green
  EXPECT_EQ(counted.lists[0].name, "items-Colour=Blue");
  EXPECT_EQ(counted.lists[0].category, 1);
  EXPECT_THAT(counted.lists[0].rows, ElementsAre(1, 2));
  EXPECT_THAT(counted.lists[0].scores, ElementsAre(.75, .25));
  EXPECT_EQ(counted.lists[1].name, "items-Colour=Red");
  EXPECT_THAT(counted.lists[1].rows, ElementsAre(1, 0));
  EXPECT_EQ(counted.category_width, 2);
  EXPECT_THAT(counted.categories, ElementsAre(2, 0, 1, 2, 1, 0, 0, 0, 0, 0));
}

TEST(CountCategories, LeavesOutSmallCategoriesAndColumnsThatTellNothingApart) {
  v1::Popularity settings = Settings();
  settings.set_min_category_interactions(1000);
  CountedPopularity counted;
  ASSERT_TRUE(CountCategories(Colours(), settings, &counted).ok());
  EXPECT_THAT(counted.lists, IsEmpty());
  EXPECT_THAT(counted.categories, IsEmpty());

  DataSet equal = Colours();
  for (std::string& text : equal.item_features[0].text) text = "Red";
  ASSERT_TRUE(CountCategories(equal, Settings(), &counted).ok());
  EXPECT_THAT(counted.lists, IsEmpty());
}

TEST(CountCategories, NamesAColumnThatItemsDoNotHave) {
  v1::Popularity settings = Settings();
  settings.add_category_columns("size");
  CountedPopularity counted;
  const absl::Status status = CountCategories(Colours(), settings, &counted);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("popularity.category_columns"));
}

TEST(TrendingScores, AFewClicksDoNotOutweighWhatIsPopular) {
  std::vector<Interaction> interactions;
  const int64_t now_s = 1000 * kDay_s;
  // Item 0: a thousand times, a ten half-lives ago; item 1: once, now.
  for (Row user = 0; user < 1000; ++user) {
    interactions.push_back({user, 0, 1, 0, now_s - 10 * kDay_s});
  }
  interactions.push_back({0, 1, 1, 0, now_s});
  interactions.push_back({1, 1, 1, 0, now_s + 1});  // not yet
  const auto scores = TrendingScores(interactions, 3, now_s, 1);
  EXPECT_GT(scores[0], scores[1]);
  EXPECT_NEAR(scores[1], 1 + .1 * (1 + 1000 / 1024.0) / 1001, 1e-9);
  EXPECT_EQ(scores[2], 0);
}

// Ten of a thousand items are had, others every `period_days`.
DataSet Fashions(int64_t period_days) {
  DataSetBuilder builder;
  for (uint32_t i = 0; i < 1000; ++i) builder.items.Add(std::to_string(i));
  builder.users.Add("u");
  Random random(1);
  for (int64_t day = 1; day < 400; ++day) {
    for (int i = 0; i < 40; ++i) {
      const auto item =
          static_cast<uint32_t>(day / period_days * 7919 % 990 +
                                static_cast<int64_t>(random.Below(10)));
      builder.AddInteraction(0, item, 1, day * kDay_s);
    }
  }
  return std::move(builder).Finish();
}

TEST(ChooseHalfLifeDays, IsShortWhereFashionsAre) {
  const double fast = ChooseHalfLifeDays(Fashions(5));
  const double slow = ChooseHalfLifeDays(Fashions(1000));
  EXPECT_LE(fast, slow);
  EXPECT_LE(fast, 30);
}

TEST(ChooseHalfLifeDays, IsFixedWhereThereIsNothingToChooseBy) {
  EXPECT_EQ(ChooseHalfLifeDays(DataSet()), 7);
  EXPECT_EQ(ChooseHalfLifeDays(Colours()), 7);  // no times
  DataSetBuilder builder;                       // all at once
  builder.items.Add("i");
  builder.users.Add("u");
  for (int i = 0; i < 20; ++i) builder.AddInteraction(0, 0, 1, 5);
  EXPECT_EQ(ChooseHalfLifeDays(std::move(builder).Finish()), 7);
}

}  // namespace
}  // namespace tributary
