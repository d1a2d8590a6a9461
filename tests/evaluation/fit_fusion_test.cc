#include "evaluation/fit_fusion.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "tests/evaluation/fusion_world.h"

namespace tributary {
namespace {

constexpr uint32_t kDepth = FusionWorld::kDepth;

std::vector<size_t> FirstUsers(size_t n) {
  std::vector<size_t> users(n);
  std::iota(users.begin(), users.end(), 0);
  return users;
}

// Lists in random order, and items wanted with the odds of a model.
class ModelledUsers {
 public:
  ModelledUsers(size_t n, const FusionWeights& truth) : users_(n) {
    std::vector<Row> rows(FusionWorld::kItems);
    std::iota(rows.begin(), rows.end(), 0);
    for (TestUser& user : users_) {
      UserLists& lists = lists_.emplace_back(UserLists{&user, 10, {}});
      std::vector<double> log_odds(rows.size(), truth.intercept);
      for (const double weight : truth.weights) {
        std::shuffle(rows.begin(), rows.end(), random_);
        auto& list = lists.lists.emplace_back();
        for (size_t rank = 0; rank < kDepth; ++rank) {
          list.push_back({rows[rank], 0});
          log_odds[rows[rank]] += weight * RankValue(rank);
        }
      }
      for (Row row = 0; row < log_odds.size(); ++row) {
        const double chance = 1 / (1 + std::exp(-log_odds[row]));
        if (uniform_(random_) < chance) user.items.push_back(row);
      }
    }
  }

  std::span<const UserLists> lists() const { return lists_; }

 private:
  std::mt19937_64 random_{3};
  std::uniform_real_distribution<double> uniform_;
  std::vector<TestUser> users_;
  std::vector<UserLists> lists_;
};

TEST(FitFusion, FindsTheWeightsThatMadeTheData) {
  const FusionWeights truth{{1, .4, 0}, -5};
  const ModelledUsers users(500, truth);
  const FusionExamples examples(users.lists(), 3, kDepth);
  const FusionWeights fit =
      FitFusion(examples, FirstUsers(500), {true, true, true}, nullptr);
  for (size_t s = 0; s < 3; ++s) {
    EXPECT_NEAR(fit.weights[s], truth.weights[s], .08) << s;
  }
  EXPECT_NEAR(fit.intercept, truth.intercept, .1);
}

TEST(FitFusion, SourcesThatTakeNoPartHaveNoWeight) {
  FusionWorld world(50);
  world.AddSource(.8).AddSource(.8);
  const FusionExamples examples(world.lists(), 2, kDepth);
  const FusionWeights fit =
      FitFusion(examples, FirstUsers(50), {false, true}, nullptr);
  EXPECT_EQ(fit.weights[0], 0);
  EXPECT_GT(fit.weights[1], .5);
}

// Whole Newton steps go from one end to the other.
TEST(FitFusion, ConvergesWhereASourcePutsWantedItemsFirst) {
  FusionWorld world(400);
  world.AddSource(1).AddSource(.5);
  const FusionExamples examples(world.lists(), 2, kDepth);
  const FusionWeights fit =
      FitFusion(examples, FirstUsers(400), {true, true}, nullptr);
  EXPECT_LT(fit.weights[0], 30);
  // From there it does not go elsewhere.
  const FusionPrior start{fit, false};
  const FusionWeights again =
      FitFusion(examples, FirstUsers(400), {true, true}, &start);
  EXPECT_NEAR(again.weights[0], fit.weights[0], 1e-4);
  EXPECT_NEAR(again.weights[1], fit.weights[1], 1e-4);
}

TEST(FitFusion, FewExamplesStayNearThePrior) {
  FusionWorld world(400);
  world.AddSource(.8);
  const FusionExamples examples(world.lists(), 1, kDepth);
  const FusionPrior prior{{{.2}, -5}, true};
  const double of_two =
      FitFusion(examples, FirstUsers(2), {true}, &prior).weights[0];
  const double of_all =
      FitFusion(examples, FirstUsers(400), {true}, &prior).weights[0];
  EXPECT_LT(of_two, .5);
  EXPECT_GT(of_all, 2 * of_two);
}

}  // namespace
}  // namespace tributary
