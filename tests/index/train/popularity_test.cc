#include "index/train/popularity.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/data/data_set_builder.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kDay_s = 86400;

v1::Popularity Settings(uint32_t min_segment_interactions = 2) {
  v1::Popularity settings;
  settings.set_half_life_days(1);
  settings.set_min_segment_interactions(min_segment_interactions);
  return settings;
}

// Item 1 was had three times long ago, item 2 once yesterday, item 0 once
// today, item 3 never.
DataSet MakeData(int64_t now_s) {
  DataSetBuilder builder;
  for (const char* key : {"0", "1", "2", "3"}) builder.items.Add(key);
  const size_t column =
      builder.user_features.AddColumn("segment", FeatureColumn::Kind::kTokens);
  for (const char* key : {"0", "1", "2"}) {
    const uint32_t user = builder.users.Add(key);
    builder.user_features.Set(column, user, user < 2 ? "North/West" : "South");
    builder.AddInteraction(user, 1, 1, now_s == 0 ? 0 : now_s - 90 * kDay_s);
  }
  builder.AddInteraction(0, 2, 1, now_s == 0 ? 0 : now_s - kDay_s);
  builder.AddInteraction(2, 0, 1, now_s);
  builder.AddInteraction(2, 3, 0, now_s);  // not wanted
  return std::move(builder).Finish();
}

TEST(Popularity, CountsEveryItemAndPutsTheUntouchedLast) {
  const auto counted = CountPopularity(MakeData(0), Settings(100));
  ASSERT_TRUE(counted.ok()) << counted.status();
  ASSERT_EQ(counted->lists.size(), 1);
  EXPECT_EQ(counted->lists[0].name, "all");
  EXPECT_THAT(counted->lists[0].rows, ElementsAre(1, 0, 2, 3));
  EXPECT_THAT(counted->lists[0].scores, ElementsAre(3, 1, 1, 0));
}

TEST(Popularity, TrendingHalvesWithEveryHalfLife) {
  const auto counted =
      CountPopularity(MakeData(20'000 * kDay_s), Settings(100));
  ASSERT_TRUE(counted.ok()) << counted.status();
  ASSERT_EQ(counted->lists.size(), 2);
  const CountedList& trending = counted->lists[1];
  EXPECT_EQ(trending.name, "trending");
  EXPECT_THAT(trending.rows, ElementsAre(0, 2, 1));
  // A tenth of the whole weight, 1.5, goes by the shares of all: 1, 1, 3 of 5.
  EXPECT_FLOAT_EQ(trending.scores[0], 1 + 0.03F);
  EXPECT_FLOAT_EQ(trending.scores[1], 0.5F + 0.03F);
  EXPECT_FLOAT_EQ(trending.scores[2], 0.09F);
}

TEST(Popularity, SegmentsWithEnoughInteractionsHaveTheirOwnList) {
  const auto counted = CountPopularity(MakeData(0), Settings(3));
  ASSERT_TRUE(counted.ok()) << counted.status();
  ASSERT_EQ(counted->lists.size(), 2);
  EXPECT_EQ(counted->lists[1].name, "segment=North/West");
  EXPECT_EQ(counted->lists[1].segment, 1);
  EXPECT_THAT(counted->lists[1].rows, ElementsAre(1, 2));
  EXPECT_THAT(counted->user_segments, ElementsAre(1, 1, 0));
}

// Names that an alphabet of file names cannot tell apart.
TEST(Popularity, SegmentsKeepTheirNames) {
  DataSetBuilder builder;
  const size_t city =
      builder.user_features.AddColumn("城市", FeatureColumn::Kind::kTokens);
  const std::string cities[] = {"北京", "上海", "Köln", "köln"};
  for (int user = 0; user < 8; ++user) {
    const uint32_t row = builder.users.Add(std::to_string(user));
    builder.user_features.Set(city, row, cities[user % 4]);
    builder.AddInteraction(row, builder.items.Add(std::to_string(user % 4)), 1,
                           0);
  }
  v1::Popularity settings = Settings();
  settings.add_segment_columns("城市");
  const auto counted = CountPopularity(std::move(builder).Finish(), settings);
  ASSERT_TRUE(counted.ok()) << counted.status();
  std::vector<std::string> names;
  for (const CountedList& list : counted->lists) names.push_back(list.name);
  EXPECT_THAT(names, ElementsAre("all", "城市=Köln", "城市=köln", "城市=上海",
                                 "城市=北京"));
  EXPECT_THAT(counted->lists[4].rows, ElementsAre(0));
  EXPECT_THAT(counted->lists[3].rows, ElementsAre(1));
}

TEST(ListName, IsOfOneLineAndOfBoundedSize) {
  EXPECT_EQ(ListName("Tag=a\tb\x7F\xC2\x85"
                     "c"),
            "Tag=a b  c");
  // 2 bytes each; the 512th byte is within the 256th.
  std::string long_name = "x";
  for (int i = 0; i < 300; ++i) long_name += "é";
  const std::string name = ListName(long_name);
  EXPECT_EQ(name.size(), 511);
  EXPECT_TRUE(long_name.starts_with(name));
  EXPECT_EQ(name.substr(name.size() - 2), "é");
}

TEST(Popularity, NamesASegmentColumnThatIsNotThere) {
  v1::Popularity settings = Settings();
  settings.add_segment_columns("country");
  const auto counted = CountPopularity(MakeData(0), settings);
  EXPECT_EQ(counted.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(counted.status().message()),
              HasSubstr("popularity.segment_columns"));
}

TEST(Popularity, ScoresThatCameWithTheDataComeFirst) {
  DataSet data = MakeData(0);
  data.item_popularity = {0, 0, 0, 9};
  const auto counted = CountPopularity(data, Settings(100));
  ASSERT_TRUE(counted.ok()) << counted.status();
  EXPECT_THAT(counted->lists[0].rows, ElementsAre(3, 0, 1, 2));
}

TEST(Popularity, NothingKnownIsNoList) {
  DataSet data = MakeData(0);
  data.interactions.clear();
  const auto counted = CountPopularity(data, Settings());
  ASSERT_TRUE(counted.ok()) << counted.status();
  EXPECT_THAT(counted->lists, IsEmpty());
}

}  // namespace
}  // namespace tributary
