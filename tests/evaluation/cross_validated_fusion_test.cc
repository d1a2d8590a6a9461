#include "evaluation/cross_validated_fusion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/evaluation/fusion_world.h"

namespace tributary {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr uint32_t kK = FusionWorld::kDepth;

TEST(CompareAt, GivesMeanAndStandardErrorOfDifferences) {
  const Recalls a = {{.5, 1}, {.5, 1}, {1, 1}, {1, 1}};
  const Recalls b = {{.5, 1}, {.5, 0}, {.5, 1}, {.5, 0}};
  const MeanDifference difference = CompareAt(a, b, 0);
  EXPECT_DOUBLE_EQ(difference.mean, .25);
  EXPECT_DOUBLE_EQ(difference.standard_error, .25 / 2);
  // Of .5 in both columns: half as much again, and twice as much.
  EXPECT_DOUBLE_EQ(WorstGain(a, b), .5);
  EXPECT_DOUBLE_EQ(WorstGain(b, a), -.5);
}

TEST(CrossValidatedFusion, PriorityIsByRecallAlone) {
  FusionWorld world(100);
  world.AddSource(.3).AddSource(.7).AddSource(.5);
  const CrossValidatedFusion fusion(world.lists(), {"a", "b", "c"}, kK, 2);
  EXPECT_THAT(fusion.ks(), ElementsAre(10, 20, 50, 100));
  EXPECT_THAT(fusion.priority(), ElementsAre(1, 2, 0));
  EXPECT_EQ(fusion.best_at_k(), 1);
}

TEST(CrossValidatedFusion, BestAloneTakesEachPrefixFromItsBestSource) {
  FusionWorld world(100);
  // Three of ten before all others; seven of ten, none of them early.
  world
      .AddSource(
          [](size_t, size_t h, double noise) { return h < 3 ? noise + 1 : 0; })
      .AddSource([](size_t, size_t h, double noise) {
        return h < 7 ? .92 + .04 * noise : 0;
      });
  const CrossValidatedFusion fusion(world.lists(), {"early", "late"}, kK, 2);
  EXPECT_NEAR(MeanOver(fusion.best_alone(), 0), .3, .01);
  EXPECT_NEAR(MeanOver(fusion.best_alone(), 3), .7, .01);
  EXPECT_EQ(fusion.best_at_k(), 1);
}

TEST(CrossValidatedFusion, TheLeadIsTheFirstSourceThatTakesPart) {
  FusionWorld world(100);
  world.AddSource(.3).AddSource(.7).AddSource(.5);
  const CrossValidatedFusion fusion(world.lists(), {"a", "b", "c"}, kK, 2);
  const FusionWeights weights{{1, 2, 3}, -5};
  SourceWeights sources;
  sources.shrink = .5;
  sources.use = {true, true, true};
  EXPECT_THAT(
      fusion.Segment(sources, weights).weights(),
      UnorderedElementsAre(Pair("a", .5), Pair("b", 2), Pair("c", 1.5)));
  sources.use = {true, false, true};
  EXPECT_THAT(fusion.Segment(sources, weights).weights(),
              UnorderedElementsAre(Pair("a", .5), Pair("c", 3)));
}

TEST(CrossValidatedFusion, WeightsAreLearnedFromTheOtherHalfOfTheUsers) {
  FusionWorld world(200);
  // The source knows what every second user wants.
  world.AddSource([](size_t user, size_t, double noise) {
    return user % 2 == 0 ? noise + .8 : noise;
  });
  const CrossValidatedFusion fusion(world.lists(), {"a"}, kK, 2);
  const SourceWeights fit = fusion.Fit({true}, nullptr);
  EXPECT_LT(fit.without_fold[0].weights[0], .2);
  EXPECT_GT(fit.without_fold[1].weights[0], 1);
}

TEST(CrossValidatedFusion, SharesOfListsAreOfTheSourcesThatTakePart) {
  FusionWorld world(100);
  world.AddSource(.7).AddSource(.5);
  const CrossValidatedFusion fusion(world.lists(), {"a", "b"}, kK, 2);
  const auto both = fusion.SharesOfLists(fusion.Fit({true, true}, nullptr));
  EXPECT_GT(both[0], both[1]);
  EXPECT_GT(both[1], 0);
  EXPECT_NEAR(both[0] + both[1], 1, 1e-9);
  const auto alone = fusion.SharesOfLists(fusion.Fit({false, true}, nullptr));
  EXPECT_EQ(alone[0], 0);
  EXPECT_NEAR(alone[1], 1, 1e-9);
}

}  // namespace
}  // namespace tributary
