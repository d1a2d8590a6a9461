// Weights and scores at the ends of what floating-point numbers hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "server/fusion/fuse.h"
#include "tests/server/fusion/fuse_input.h"

namespace tributary {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

const std::vector<ScoredRow> kFirst = {{7, 3}, {1, 2}, {5, 1}};
const std::vector<ScoredRow> kSecond = {{5, 9}, {2, 8}, {7, 1}};

FusionResult FuseWith(FusionPolicy policy, double first, double second,
                      std::span<const ScoredRow> of_first = kFirst) {
  const std::vector<FusionSource> sources = {
      {.proposals = of_first, .weight = first},
      {.proposals = kSecond, .weight = second}};
  FusionResult result;
  Fuse(sources,
       {.policy = policy, .k = 10, .has_model = policy == FusionPolicy::kQuota},
       &result);
  return result;
}

std::vector<Row> FiniteRowsOf(const FusionResult& result) {
  for (const FusedCandidate& candidate : result.candidates) {
    EXPECT_TRUE(std::isfinite(candidate.score)) << candidate.score;
  }
  return RowsOf(result);
}

TEST(FuseExtremeWeights, GiveTheListOfModerateOnesInTheSameRatio) {
  for (const FusionPolicy policy :
       {FusionPolicy::kRrf, FusionPolicy::kWeighted, FusionPolicy::kQuota}) {
    const std::vector<Row> rows = FiniteRowsOf(FuseWith(policy, 3, 1));
    EXPECT_EQ(rows.size(), 4);
    for (const double scale : {1e37, 1e100, 1e307, 1e-40, 1e-300}) {
      const FusionResult result = FuseWith(policy, 3 * scale, scale);
      EXPECT_THAT(FiniteRowsOf(result), ElementsAreArray(rows)) << scale;
      EXPECT_GT(result.candidates[0].score, 0) << scale;
      EXPECT_FALSE(result.weights_unusable);
    }
  }
}

TEST(FuseExtremeWeights, LeaveNothingOfThoseThatAreFarBelow) {
  EXPECT_THAT(
      FiniteRowsOf(FuseWith(FusionPolicy::kWeighted,
                            std::numeric_limits<double>::max(), 1e-300)),
      ElementsAre(7, 1, 5, 2));
}

TEST(FuseExtremeWeights, ModerateOnesAreNotScaled) {
  const FusionResult result = FuseWith(FusionPolicy::kWeighted, 1e15, 0);
  EXPECT_FLOAT_EQ(result.candidates[0].score, 1e15F);
}

TEST(FuseExtremeScores, AreTakenByTheirRanks) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<ScoredRow> infinite = {{7, kInfinity}, {1, 2}, {5, 1}};
  EXPECT_THAT(
      FiniteRowsOf(FuseWith(FusionPolicy::kWeighted, 1, .001, infinite)),
      ElementsAre(7, 1, 5, 2));
  const std::vector<ScoredRow> nan = {{7, 3}, {1, std::nanf("")}, {5, 1}};
  EXPECT_THAT(FiniteRowsOf(FuseWith(FusionPolicy::kWeighted, 1, .001, nan)),
              ElementsAre(7, 5, 2, 1));
}

}  // namespace
}  // namespace tributary
