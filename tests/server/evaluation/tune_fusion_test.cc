#include "server/evaluation/tune_fusion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "server/evaluation/fit_fusion.h"

namespace tributary {
namespace {

using testing::ElementsAre;

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
      UserLists& lists = lists_.emplace_back(UserLists{&user, 10, {}});
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
    list.resize(kK);
    return list;
  }

  std::mt19937_64 random_{5};
  std::vector<TestUser> users_;
  std::vector<UserLists> lists_;
};

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

TunedFusion Tune(const World& world, std::vector<TunedSource> sources,
                 uint32_t threads = 2) {
  return TuneFusion({.users = world.lists(),
                     .strangers = {},
                     .sources = sources,
                     .k = kK,
                     .threads = threads});
}

double WeightOf(const TunedFusion& tuned, const std::string& name) {
  const auto& weights = tuned.model.segments(0).weights();
  return weights.contains(name) ? weights.at(name) : 0;
}

TEST(TuneFusion, NoPrefixIsBelowTheBestSourceForUsersItDidNotSee) {
  const World world(400, {.8, .6, .1});
  const TunedFusion tuned = Tune(world, {{"a"}, {"b"}, {"c"}});
  ASSERT_THAT(tuned.ks, ElementsAre(10, 20, 50, 100));
  for (size_t j = 0; j < tuned.ks.size(); ++j) {
    EXPECT_GE(MeanOver(tuned.recalls, j), MeanOver(tuned.best_alone, j));
  }
}

TEST(TuneFusion, TwoGoodSourcesAreBetterThanEither) {
  const World world(400, {.7, .7});
  const TunedFusion tuned = Tune(world, {{"a"}, {"b"}});
  EXPECT_NEAR(WeightOf(tuned, "a"), WeightOf(tuned, "b"),
              .3 * WeightOf(tuned, "a"));
  EXPECT_GT(MeanOver(tuned.recalls, 1), 1.05 * MeanOver(tuned.best_alone, 1));
  // Leaving one out loses that.
  const v1::Contribution& of_a = tuned.model.contributions(1);
  EXPECT_EQ(of_a.k(), 20);
  EXPECT_GT(of_a.recall(), 2 * of_a.standard_error());
}

TEST(TuneFusion, ASourceThatKnowsNothingIsLeftOutUnlessItMustStay) {
  const World world(400, {.8, 0});
  const TunedFusion dropped = Tune(world, {{"good"}, {"noise"}});
  ASSERT_EQ(dropped.model.quotas_size(), 1);
  EXPECT_EQ(dropped.model.quotas(0).retriever(), "good");
  const TunedFusion kept = Tune(world, {{"good"}, {"noise", false}});
  EXPECT_EQ(kept.model.quotas_size(), 2);
  EXPECT_LT(WeightOf(kept, "noise"), .1 * WeightOf(kept, "good"));
}

TEST(TuneFusion, TheBestSourceHasTheFirstPriority) {
  const TunedFusion tuned = Tune(World(400, {.5, .8}), {{"second"}, {"first"}});
  EXPECT_EQ(tuned.model.quotas(0).retriever(), "first");
  EXPECT_GT(tuned.model.quotas(0).share(), 0);
}

TEST(TuneFusion, DoesNotDependOnTheNumberOfThreads) {
  const World world(100, {.8, .5});
  EXPECT_EQ(Tune(world, {{"a"}, {"b"}}, 1).model.DebugString(),
            Tune(world, {{"a"}, {"b"}}, 4).model.DebugString());
}

TEST(FitFusion, FindsTheWeightsThatMadeTheData) {
  // Items are wanted with odds that one source knows and the other does not.
  const World world(2000, {.8, 0});
  const FusionExamples examples(world.lists(), 2, kK);
  std::vector<size_t> everyone(2000);
  std::iota(everyone.begin(), everyone.end(), 0);
  const FusionWeights fit =
      FitFusion(examples, everyone, {true, true}, nullptr);
  EXPECT_GT(fit.weights[0], .5);
  EXPECT_LT(fit.weights[1], .1);
  EXPECT_LT(fit.intercept, 0);
  const FusionWeights without =
      FitFusion(examples, everyone, {false, true}, nullptr);
  EXPECT_EQ(without.weights[0], 0);
}

}  // namespace
}  // namespace tributary
