#include "evaluation/tune_fusion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "evaluation/cross_validated_fusion.h"
#include "index/bundle/fusion_model.h"
#include "tests/evaluation/fusion_world.h"

namespace tributary {
namespace {

using testing::ElementsAre;

constexpr uint32_t kK = FusionWorld::kDepth;

TunedFusion Tune(const FusionWorld& world, std::vector<TunedSource> sources,
                 std::span<const UserLists> cold_users = {},
                 uint32_t threads = 2) {
  TunedFusion tuned = TuneFusion({.users = world.lists(),
                                  .cold_users = cold_users,
                                  .sources = sources,
                                  .k = kK,
                                  .threads = threads});
  EXPECT_TRUE(CheckFusionModel(tuned.model).ok());
  return tuned;
}

// What learned weights alone are worth, relative to the best source.
double GainOfWeights(const FusionWorld& world,
                     const std::vector<std::string>& names) {
  const CrossValidatedFusion trial(world.lists(), names, kK, 2);
  const SourceWeights fit =
      trial.Fit(std::vector<bool>(names.size(), true), nullptr);
  return WorstGain(trial.Fused(fit, trial.NoQuotas(fit)), trial.best_alone());
}

double WeightOf(const v1::FusionSegment& segment, const std::string& name) {
  return segment.weights().contains(name) ? segment.weights().at(name) : 0;
}

TEST(TuneFusion, NoPrefixIsBelowTheBestSourceForUsersItDidNotSee) {
  FusionWorld world(400);
  world.AddSource(.8).AddSource(.6).AddSource(.1);
  const TunedFusion tuned = Tune(world, {{"a"}, {"b"}, {"c"}});
  ASSERT_THAT(tuned.ks, ElementsAre(10, 20, 50, 100));
  for (size_t j = 0; j < tuned.ks.size(); ++j) {
    EXPECT_GE(MeanOver(tuned.recalls, j), MeanOver(tuned.best_alone, j));
  }
}

TEST(TuneFusion, TwoGoodSourcesAreBetterThanEither) {
  FusionWorld world(400);
  world.AddSource(.7).AddSource(.7);
  const TunedFusion tuned = Tune(world, {{"a"}, {"b"}});
  const v1::FusionSegment& segment = tuned.model.segments(0);
  EXPECT_NEAR(WeightOf(segment, "a"), WeightOf(segment, "b"),
              .3 * WeightOf(segment, "a"));
  EXPECT_GT(MeanOver(tuned.recalls, 1), 1.05 * MeanOver(tuned.best_alone, 1));
  // Leaving one out loses that.
  const v1::Contribution& of_first = tuned.model.contributions(1);
  EXPECT_EQ(of_first.k(), 20);
  EXPECT_GT(of_first.recall(), 2 * of_first.standard_error());
}

TEST(TuneFusion, ASourceThatKnowsNothingIsLeftOutUnlessItMustStay) {
  FusionWorld world(400);
  world.AddSource(.8).AddSource(0);
  const TunedFusion dropped = Tune(world, {{"good"}, {"noise"}});
  ASSERT_EQ(dropped.model.quotas_size(), 1);
  EXPECT_EQ(dropped.model.quotas(0).retriever(), "good");
  const TunedFusion kept = Tune(world, {{"good"}, {"noise", false}});
  EXPECT_EQ(kept.model.quotas_size(), 2);
  const v1::FusionSegment& segment = kept.model.segments(0);
  EXPECT_LT(WeightOf(segment, "noise"), .1 * WeightOf(segment, "good"));
}

TEST(TuneFusion, TheBestSourceHasTheFirstPriority) {
  FusionWorld world(400);
  world.AddSource(.5).AddSource(.8);
  const TunedFusion tuned = Tune(world, {{"second"}, {"first"}});
  EXPECT_EQ(tuned.model.quotas(0).retriever(), "first");
  EXPECT_GT(tuned.model.quotas(0).share(), 0);
}

// What the other source knows is anywhere in its list, so that its first ranks
// are weighed too high and displace good ones of the lead.
TEST(TuneFusion, WeightsAreLoweredWhereTheListWouldLoseToItsBestSource) {
  FusionWorld world(200);
  world
      .AddSource([](size_t, size_t h, double noise) {
        return h < 5 ? .98 + .02 * noise : noise;
      })
      .AddSource([](size_t, size_t h, double noise) {
        return h < 5 ? noise : .9 + .1 * noise;
      });
  ASSERT_LT(GainOfWeights(world, {"lead", "other"}), -.1);
  const TunedFusion tuned = Tune(world, {{"lead", false}, {"other", false}});
  EXPECT_GE(WorstGain(tuned.recalls, tuned.best_alone), 0);
}

// One source is better early in the list, the other at its end: weights cannot
// have both, quotas can.
TEST(TuneFusion, TheListIsReservedForTheSourceThatFillsItBest) {
  FusionWorld world(200);
  world
      .AddSource([](size_t, size_t h, double noise) {
        return h < 3 ? noise + 1 : noise;
      })
      .AddSource([](size_t, size_t h, double noise) {
        return h < 6 ? .9 + .05 * noise : noise;
      });
  ASSERT_LT(GainOfWeights(world, {"early", "late"}), -.3);
  const TunedFusion tuned = Tune(world, {{"early", false}, {"late", false}});
  EXPECT_GT(WorstGain(tuned.recalls, tuned.best_alone), -.03);
  EXPECT_EQ(tuned.model.quotas(0).retriever(), "late");
  EXPECT_GE(tuned.model.quotas(0).share(), .7);
}

TEST(TuneFusion, ColdUsersHaveWeightsLearnedFromWhatTheyAreProposed) {
  FusionWorld world(200);
  world.AddSource(.8).AddSource(.6).AddSource(.2);
  FusionWorld cold_users(200);
  cold_users.AddSilentSource().AddSource(.2).AddSource(.6);
  const TunedFusion tuned = Tune(
      world, {{"own", false}, {"a", false}, {"b", false}}, cold_users.lists());
  ASSERT_EQ(tuned.model.segments_size(), 2);
  const v1::FusionSegment& cold = tuned.model.segments(0);
  EXPECT_EQ(cold.name(), "cold");
  EXPECT_TRUE(cold.has_max_history());
  EXPECT_EQ(cold.max_history(), 0);
  EXPECT_FALSE(cold.weights().contains("own"));
  EXPECT_GT(WeightOf(cold, "b"), 1.5 * WeightOf(cold, "a"));
  const v1::FusionSegment& others = tuned.model.segments(1);
  EXPECT_EQ(others.name(), "all");
  EXPECT_LT(WeightOf(others, "b"), WeightOf(others, "a"));
}

TEST(TuneFusion, OneSourceForColdUsersNeedsNoWeights) {
  FusionWorld world(100);
  world.AddSource(.8).AddSource(.6);
  FusionWorld cold_users(100);
  cold_users.AddSilentSource().AddSource(.3);
  const TunedFusion tuned =
      Tune(world, {{"own", false}, {"popular", false}}, cold_users.lists());
  ASSERT_EQ(tuned.model.segments_size(), 1);
  EXPECT_EQ(tuned.model.segments(0).name(), "all");
}

// Of every four users two have `light` items in their history, two have 50; one
// source knows the former well and the other the latter, or the same of both.
void AddHistories(uint32_t light, bool same, FusionWorld* world) {
  const auto is_light = [](size_t user) { return user % 4 < 2; };
  world->AddSource([=](size_t user, size_t, double noise) {
    return noise + (is_light(user) || same ? .6 : .1);
  });
  world->AddSource([=](size_t user, size_t, double noise) {
    return noise + (is_light(user) && !same ? .1 : .6);
  });
  world->SetHistories([=](size_t user) { return is_light(user) ? light : 50; });
}

TEST(TuneFusion, SegmentsHaveTheirWeightsWhereThatPays) {
  FusionWorld world(400);
  AddHistories(5, /*same=*/false, &world);
  const TunedFusion tuned = Tune(world, {{"a"}, {"b"}});
  ASSERT_EQ(tuned.model.segments_size(), 2);
  const v1::FusionSegment& light = tuned.model.segments(0);
  EXPECT_EQ(light.name(), "light");
  EXPECT_EQ(light.max_history(), 5);
  EXPECT_GT(WeightOf(light, "a"), 1.5 * WeightOf(light, "b"));
  const v1::FusionSegment& heavy = tuned.model.segments(1);
  EXPECT_EQ(heavy.name(), "heavy");
  EXPECT_FALSE(heavy.has_max_history());
  EXPECT_GT(WeightOf(heavy, "b"), 1.5 * WeightOf(heavy, "a"));
}

TEST(TuneFusion, EqualSegmentsShareTheirWeights) {
  FusionWorld world(400);
  AddHistories(5, /*same=*/true, &world);
  const TunedFusion tuned = Tune(world, {{"a"}, {"b"}});
  ASSERT_EQ(tuned.model.segments_size(), 1);
  EXPECT_EQ(tuned.model.segments(0).name(), "all");
}

TEST(TuneFusion, FewUsersDoNotMakeASegment) {
  FusionWorld world(396);
  AddHistories(5, /*same=*/false, &world);
  EXPECT_EQ(Tune(world, {{"a"}, {"b"}}).model.segments_size(), 1);
}

// They are cold_users; two segments of up to 0 items would be one too many.
TEST(TuneFusion, UsersWithoutAHistoryAreNoLightSegment) {
  FusionWorld world(400);
  AddHistories(0, /*same=*/false, &world);
  const TunedFusion tuned = Tune(world, {{"a"}, {"b"}}, world.lists());
  ASSERT_EQ(tuned.model.segments_size(), 2);
  EXPECT_EQ(tuned.model.segments(0).name(), "cold");
  EXPECT_EQ(tuned.model.segments(1).name(), "all");
}

TEST(TuneFusion, DoesNotDependOnTheNumberOfThreads) {
  FusionWorld world(100);
  world.AddSource(.8).AddSource(.5);
  EXPECT_EQ(Tune(world, {{"a"}, {"b"}}, {}, 1).model.DebugString(),
            Tune(world, {{"a"}, {"b"}}, {}, 4).model.DebugString());
}

}  // namespace
}  // namespace tributary
