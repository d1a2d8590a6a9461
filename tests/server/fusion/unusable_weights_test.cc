// Policies that weigh sources, where no weight is usable.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "server/fusion/fuse.h"
#include "tests/server/fusion/fuse_input.h"

namespace tributary {
namespace {

using testing::ElementsAre;

TEST(FuseWeights, SourcesAreAlikeWhereNoWeightIsUsable) {
  for (const FusionPolicy policy :
       {FusionPolicy::kRrf, FusionPolicy::kWeighted}) {
    // The first source, the only one with a weight, proposes nothing.
    FuseInput input = WeightedInput({{}, {9, 4, 7}, {4}}, {5, 0, 0}, 3);
    input.options.policy = policy;
    const FusionResult result = Fused(input);
    EXPECT_TRUE(result.weights_unusable);
    EXPECT_GT(result.candidates[0].score, 0);
    if (policy == FusionPolicy::kRrf) {
      EXPECT_THAT(RowsOf(result), ElementsAre(4, 9, 7));
      EXPECT_FLOAT_EQ(result.candidates[0].score,
                      static_cast<float>(1.0 / 62 + 1.0 / 61));
    }
  }
}

TEST(FuseWeights, AreUsedWhereOneIsUsable) {
  FuseInput input = WeightedInput({{1, 2}, {3}}, {1, 0}, 3);
  input.options.policy = FusionPolicy::kRrf;
  FusionResult result;
  // Of an earlier list.
  result.weights_unusable = true;
  Fuse(input.sources, input.options, &result);
  EXPECT_FALSE(result.weights_unusable);
  EXPECT_THAT(RowsOf(result), ElementsAre(1, 2, 3));
  EXPECT_EQ(result.candidates[2].score, 0);
}

TEST(FuseWeights, OfZeroLeaveTheOrderOfTheBestRanks) {
  for (const FusionPolicy policy :
       {FusionPolicy::kRrf, FusionPolicy::kWeighted, FusionPolicy::kQuota}) {
    // 3 is second in one list without a weight, and first in the other; 2 has
    // a weight, though WEIGHTED gives the last of a list a score of 0.
    FuseInput input =
        WeightedInput({{5, 2}, {9, 3, 6, 2}, {3, 4}}, {1, 0, 0}, 10);
    input.options.policy = policy;
    input.options.has_model = true;
    EXPECT_THAT(RowsOf(Fused(input)), ElementsAre(5, 2, 3, 9, 4, 6));
  }
}

// A source that the model does not know, as `add-retriever` adds one.
TEST(FuseWeights, OfZeroReserveTheBestRanks) {
  FuseInput input = WeightedInput({{1, 2, 3, 4}, {9, 8, 7, 6}}, {1, 0}, 4);
  input.options.has_model = true;
  input.sources[0].target = 2;
  input.sources[1].target = 2;
  EXPECT_THAT(RowsOf(Fused(input)), ElementsAre(1, 2, 9, 8));
}

TEST(FuseWeights, OfNoProposalsOrOtherPoliciesAreNoMatter) {
  EXPECT_FALSE(Fused(WeightedInput({{}, {}}, {0, 0}, 3)).weights_unusable);
  for (const FusionPolicy policy :
       {FusionPolicy::kQuota, FusionPolicy::kInterleave}) {
    FuseInput input = WeightedInput({{3, 1}}, {0}, 3);
    input.options.policy = policy;
    EXPECT_FALSE(Fused(input).weights_unusable);
  }
  FuseInput nothing = WeightedInput({{}, {}}, {0, 0}, 3);
  nothing.options.policy = FusionPolicy::kRrf;
  EXPECT_FALSE(Fused(nothing).weights_unusable);
}

}  // namespace
}  // namespace tributary
