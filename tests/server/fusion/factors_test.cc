// What multiplies scores, over many random inputs, besides a few examples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "server/fusion/fuse.h"
#include "tests/server/fusion/fuse_input.h"
#include "tests/server/fusion/random_inputs.h"

namespace tributary {
namespace {

using testing::ElementsAre;

constexpr int kRounds = 4000;
constexpr uint32_t kEverything = 1000;

using Map = std::map<Row, float>;

// The factors of some rows; 1 for the others.
class MapFactors final : public RowFactors {
 public:
  explicit MapFactors(Map factors) : factors_(std::move(factors)) {}
  float Of(Row row) const {
    const auto found = factors_.find(row);
    return found == factors_.end() ? 1 : found->second;
  }
  void GetFactors(std::span<const Row> rows,
                  std::span<float> factors) const override {
    for (size_t i = 0; i < rows.size(); ++i) factors[i] = Of(rows[i]);
  }

 private:
  const Map factors_;
};

MapFactors RandomFactors(RandomInputs* inputs) {
  Map factors;
  for (Row row = 0; row < 80; ++row) {
    if (inputs->Below(2) == 0) continue;
    factors[row] = static_cast<float>(1 + inputs->Below(40)) / 10;
  }
  return MapFactors(std::move(factors));
}

// An input in which nothing is reserved, and every source weighs something.
FuseInput NextUnreserved(RandomInputs* inputs) {
  FuseInput input = inputs->Next();
  for (FusionSource& source : input.sources) {
    source.min = 0;
    source.target = 0;
    source.max = std::numeric_limits<uint32_t>::max();
    source.weight += .1;
  }
  return input;
}

TEST(FactorsProperty, TheListIsTheBestByTheProductOfScoreAndFactor) {
  RandomInputs inputs(31);
  for (int round = 0; round < kRounds; ++round) {
    FuseInput input = NextUnreserved(&inputs);
    const MapFactors factors = RandomFactors(&inputs);
    FuseInput plain = input;
    plain.options.k = kEverything;
    std::vector<ScoredRow> expected;
    for (const FusedCandidate& candidate : Fused(plain).candidates) {
      expected.push_back(
          {candidate.row, candidate.score * factors.Of(candidate.row)});
    }
    std::sort(expected.begin(), expected.end(), Better);
    expected.resize(std::min<size_t>(expected.size(), input.options.k));
    input.options.factors = &factors;
    const FusionResult result = Fused(input);
    ASSERT_EQ(result.candidates.size(), expected.size());
    ASSERT_EQ(result.factors.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      const FusedCandidate& candidate = result.candidates[i];
      // Scores are multiplied as doubles, so that rows whose products are all
      // but equal may change places.
      ASSERT_NEAR(candidate.score, expected[i].score, 1e-5 * expected[i].score);
      ASSERT_EQ(result.factors[i], factors.Of(candidate.row));
      if (i == 0) continue;
      ASSERT_GE(result.candidates[i - 1].score, candidate.score);
    }
  }
}

TEST(FactorsProperty, FactorsOfOneChangeNothing) {
  RandomInputs inputs(32);
  const MapFactors ones(Map{});
  for (int round = 0; round < kRounds; ++round) {
    FuseInput input = inputs.Next();
    const FusionResult plain = Fused(input);
    EXPECT_TRUE(plain.factors.empty());
    input.options.factors = &ones;
    ASSERT_EQ(Fused(input).candidates, plain.candidates);
  }
}

FuseInput OneList(const std::vector<Row>& rows, uint32_t k) {
  FuseInput input = WeightedInput({rows}, {1}, k);
  input.options.policy = FusionPolicy::kRrf;
  return input;
}

TEST(Factors, BringAnItemIntoTheList) {
  FuseInput input = OneList({1, 2, 3, 4}, 2);
  const MapFactors factors(Map{{4, 2}});
  input.options.factors = &factors;
  const FusionResult result = Fused(input);
  EXPECT_THAT(RowsOf(result), ElementsAre(4, 1));
  EXPECT_THAT(result.factors, ElementsAre(2, 1));
  EXPECT_FLOAT_EQ(result.candidates[0].score, 2.0F / 64);
}

TEST(Factors, MoveAnItemAmongTurns) {
  FuseInput input = OneList({1, 2, 3, 4}, 4);
  input.options.policy = FusionPolicy::kInterleave;
  const MapFactors factors(Map{{4, 3}, {1, .4F}});
  input.options.factors = &factors;
  // 1 / 4 * 3, 1 / 2, 1 * .4, 1 / 3.
  EXPECT_THAT(RowsOf(Fused(input)), ElementsAre(4, 2, 1, 3));
}

TEST(Factors, AModelReservesByTheMultipliedScore) {
  FuseInput input = WeightedInput({{1, 2, 3}, {7, 8}}, {1, .1}, 3);
  input.options.has_model = true;
  input.sources[1].target = 1;
  const MapFactors factors(Map{{8, 5}});
  input.options.factors = &factors;
  EXPECT_THAT(RowsOf(Fused(input)), ElementsAre(1, 2, 8));
  // Without a model, a source reserves what it proposes first.
  input.options.has_model = false;
  std::vector<Row> rows = RowsOf(Fused(input));
  EXPECT_NE(std::find(rows.begin(), rows.end(), 7), rows.end());
}

TEST(Factors, KeepScoresFinite) {
  FuseInput input = OneList({1, 2, 3}, 3);
  input.sources[0].weight = 1e15;
  const MapFactors factors(Map{{2, 1e30F}});
  input.options.factors = &factors;
  const FusionResult result = Fused(input);
  EXPECT_THAT(RowsOf(result), ElementsAre(2, 1, 3));
  for (const FusedCandidate& candidate : result.candidates) {
    EXPECT_TRUE(std::isfinite(candidate.score));
  }
}

}  // namespace
}  // namespace tributary
