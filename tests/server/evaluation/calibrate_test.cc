#include "server/evaluation/calibrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace tributary {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Ge;

constexpr uint32_t kItems = 1000;
constexpr uint32_t kK = 100;

// Users with ten test items each, and sources that know some of them: a source
// of quality q ranks an item by q * (whether it is one) + noise.
class World {
 public:
  World(size_t n_users, std::vector<double> qualities) : users_(n_users) {
    for (TestUser& user : users_) {
      for (int i = 0; i < 10; ++i) user.items.push_back(random_() % kItems);
      std::sort(user.items.begin(), user.items.end());
      user.items.erase(std::unique(user.items.begin(), user.items.end()),
                       user.items.end());
      user.n_items = user.items.size();
      UserLists& lists = lists_.emplace_back(UserLists{&user, {}});
      for (const double quality : qualities) {
        lists.lists.push_back(List(user, quality));
      }
    }
  }

  std::span<const UserLists> lists() const { return lists_; }

 private:
  std::vector<ScoredRow> List(const TestUser& user, double quality) {
    std::vector<ScoredRow> list;
    for (Row row = 0; row < kItems; ++row) {
      const bool hit =
          std::binary_search(user.items.begin(), user.items.end(), row);
      const double noise = static_cast<double>(random_() % 10000) / 10000;
      list.push_back({row, static_cast<float>(hit * quality + noise)});
    }
    std::sort(list.begin(), list.end(), Better);
    list.resize(CalibrationDepth(kK));
    return list;
  }

  std::mt19937_64 random_{5};
  std::vector<TestUser> users_;
  std::vector<UserLists> lists_;
};

double MeanRecall(const std::vector<std::vector<double>>& recalls, size_t j) {
  double sum = 0;
  for (const auto& recall : recalls) sum += recall[j];
  return sum / static_cast<double>(recalls.size());
}

TEST(RecallAt, CountsHitsInPrefixesAndItemsTheCatalogueLacks) {
  TestUser user{"u", {1, 5, 9}, 4};
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

TEST(MeasureHitRates, DoNotIncreaseAndAreHighWhereHitsAre) {
  const World world(200, {1.0});
  const auto source = MeasureHitRates(world.lists(), 0, kK);
  EXPECT_EQ(source.rank_upper_bounds.back(), kK);
  EXPECT_TRUE(std::is_sorted(source.rank_upper_bounds.begin(),
                             source.rank_upper_bounds.end()));
  EXPECT_TRUE(
      std::is_sorted(source.hit_rates.rbegin(), source.hit_rates.rend()));
  EXPECT_GT(source.hit_rates.front(), .5);
  EXPECT_LT(source.hit_rates.back(), .05);
}

TEST(Calibrate, NoPrefixIsBelowTheBestSourceOnWhatItWasMadeFrom) {
  const World world(300, {.8, .6, .1});
  const std::vector<uint32_t> targets = {60, 30, 10};
  const auto calibration = Calibrate(world.lists(), targets, kK, 2);
  const std::vector<uint32_t> ks = {20, 50, 100};
  const auto fused = FusedRecalls(world.lists(), calibration, kK, ks, 1);
  for (size_t s = 0; s < targets.size(); ++s) {
    const auto alone = RecallsAlone(world.lists(), s, ks);
    for (size_t j = 0; j < ks.size(); ++j) {
      EXPECT_GE(MeanRecall(fused, j), MeanRecall(alone, j)) << s << "@" << j;
    }
  }
}

TEST(Calibrate, TwoGoodSourcesAreBetterThanEither) {
  const World world(300, {.7, .7});
  const std::vector<uint32_t> targets = {70, 30};
  const auto calibration = Calibrate(world.lists(), targets, kK, 2);
  EXPECT_GT(calibration.sources[1].weight, .3);
  const std::vector<uint32_t> ks = {20};
  EXPECT_GT(MeanRecall(FusedRecalls(world.lists(), calibration, kK, ks, 1), 0),
            1.05 * MeanRecall(RecallsAlone(world.lists(), 0, ks), 0));
}

TEST(Calibrate, ReservesByScoreWhereQuotasOfNoiseWouldCostRecall) {
  // Most of the list is promised to a source that knows nothing.
  const World world(300, {.3, 0});
  const std::vector<uint32_t> targets = {40, 60};
  const auto calibration = Calibrate(world.lists(), targets, kK, 2);
  EXPECT_TRUE(calibration.reserve_by_score);
  const World easy(300, {.8, .8});
  EXPECT_FALSE(Calibrate(easy.lists(), targets, kK, 2).reserve_by_score);
}

TEST(Calibrate, DoesNotDependOnTheNumberOfThreads) {
  const World world(100, {.8, .5});
  const std::vector<uint32_t> targets = {60, 40};
  const auto one = Calibrate(world.lists(), targets, kK, 1);
  const auto four = Calibrate(world.lists(), targets, kK, 4);
  for (size_t s = 0; s < targets.size(); ++s) {
    EXPECT_EQ(one.sources[s].weight, four.sources[s].weight);
    EXPECT_EQ(one.sources[s].hit_rates, four.sources[s].hit_rates);
  }
  EXPECT_THAT(one.sources[0].hit_rates, Each(Ge(0)));
}

}  // namespace
}  // namespace tributary
