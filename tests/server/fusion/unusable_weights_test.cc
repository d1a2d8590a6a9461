// Policies that weigh sources, where no weight is usable.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "server/fusion/fuse.h"

namespace tributary {
namespace {

using testing::ElementsAre;

// The input of Fuse with the storage of its proposals.
struct Input {
  std::vector<std::vector<ScoredRow>> proposals;
  std::vector<FusionSource> sources;
  FusionOptions options;
};

Input MakeInput(const std::vector<std::vector<Row>>& lists,
                const std::vector<double>& weights, uint32_t k) {
  Input input;
  for (const auto& rows : lists) {
    auto& list = input.proposals.emplace_back();
    float score = 1;
    for (const Row row : rows) list.push_back({row, score -= 0.1F});
  }
  for (size_t s = 0; s < lists.size(); ++s) {
    input.sources.push_back(
        {.proposals = input.proposals[s], .weight = weights[s]});
  }
  input.options.k = k;
  return input;
}

std::vector<Row> Rows(const FusionResult& result) {
  std::vector<Row> rows;
  for (const auto& candidate : result.candidates) rows.push_back(candidate.row);
  return rows;
}

FusionResult Fused(const Input& input) {
  FusionResult result;
  Fuse(input.sources, input.options, &result);
  return result;
}

TEST(FuseWeights, SourcesAreAlikeWhereNoWeightIsUsable) {
  for (const FusionPolicy policy :
       {FusionPolicy::kRrf, FusionPolicy::kWeighted}) {
    // The first source, the only one with a weight, proposes nothing.
    Input input = MakeInput({{}, {9, 4, 7}, {4}}, {5, 0, 0}, 3);
    input.options.policy = policy;
    const FusionResult result = Fused(input);
    EXPECT_TRUE(result.weights_unusable);
    EXPECT_GT(result.candidates[0].score, 0);
    if (policy == FusionPolicy::kRrf) {
      EXPECT_THAT(Rows(result), ElementsAre(4, 9, 7));
      EXPECT_FLOAT_EQ(result.candidates[0].score,
                      static_cast<float>(1.0 / 62 + 1.0 / 61));
    }
  }
}

TEST(FuseWeights, AreUsedWhereOneIsUsable) {
  Input input = MakeInput({{1, 2}, {3}}, {1, 0}, 3);
  input.options.policy = FusionPolicy::kRrf;
  FusionResult result;
  // Of an earlier list.
  result.weights_unusable = true;
  Fuse(input.sources, input.options, &result);
  EXPECT_FALSE(result.weights_unusable);
  EXPECT_THAT(Rows(result), ElementsAre(1, 2, 3));
  EXPECT_EQ(result.candidates[2].score, 0);
}

TEST(FuseWeights, OfNoProposalsOrOtherPoliciesAreNoMatter) {
  EXPECT_FALSE(Fused(MakeInput({{}, {}}, {0, 0}, 3)).weights_unusable);
  for (const FusionPolicy policy :
       {FusionPolicy::kQuota, FusionPolicy::kInterleave}) {
    Input input = MakeInput({{3, 1}}, {0}, 3);
    input.options.policy = policy;
    EXPECT_FALSE(Fused(input).weights_unusable);
  }
  Input nothing = MakeInput({{}, {}}, {0, 0}, 3);
  nothing.options.policy = FusionPolicy::kRrf;
  EXPECT_FALSE(Fused(nothing).weights_unusable);
}

}  // namespace
}  // namespace tributary
