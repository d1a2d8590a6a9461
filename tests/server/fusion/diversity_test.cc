// Diverse lists of Fuse: what the pool is, and what the list says of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include "server/fusion/fuse.h"
#include "tests/server/fusion/fuse_input.h"
#include "tests/server/fusion/random_inputs.h"

namespace tributary {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr int kRounds = 1500;

// Vectors of rows by a table; the others have none.
class TableVectors final : public RowVectors {
 public:
  explicit TableVectors(std::map<Row, std::vector<float>> vectors)
      : vectors_(std::move(vectors)) {}

  uint32_t dim() const override { return kDim; }
  void GetVectors(std::span<const Row> rows, float* vectors) const override {
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::vector<float> vector = Of(rows[i]);
      std::copy(vector.begin(), vector.end(), vectors + i * kDim);
    }
  }

  std::vector<float> Of(Row row) const {
    const auto found = vectors_.find(row);
    return found == vectors_.end() ? std::vector<float>(kDim) : found->second;
  }
  double Cosine(Row a, Row b) const {
    const auto x = Of(a), y = Of(b);
    double xy = 0, xx = 0, yy = 0;
    for (size_t d = 0; d < kDim; ++d) {
      xy += double{x[d]} * double{y[d]};
      xx += double{x[d]} * double{x[d]};
      yy += double{y[d]} * double{y[d]};
    }
    return xx == 0 || yy == 0 ? 0 : xy / std::sqrt(xx * yy);
  }

  static constexpr uint32_t kDim = 5;

 private:
  const std::map<Row, std::vector<float>> vectors_;
};

TableVectors RandomTable(RandomInputs* inputs) {
  std::map<Row, std::vector<float>> vectors;
  for (Row row = 0; row < 80; ++row) {
    if (inputs->Below(10) == 0) continue;
    for (uint32_t d = 0; d < TableVectors::kDim; ++d) {
      vectors[row].push_back(static_cast<float>(inputs->Below(2001)) - 1000);
    }
  }
  return TableVectors(std::move(vectors));
}

// What the list is chosen from, best first: a list of 4 k without diversity.
std::vector<FusedCandidate> PoolOf(FuseInput input) {
  input.options.diversity = {};
  input.options.caps = {};
  input.options.k *= kPoolOfK;
  return Fused(input).candidates;
}

TEST(DiversityProperty, EachCandidateIsTheBestByTheDefinition) {
  RandomInputs inputs(41);
  int moved = 0;
  for (int round = 0; round < kRounds; ++round) {
    FuseInput input = inputs.Next();
    const TableVectors vectors = RandomTable(&inputs);
    const double lambda = inputs.Below(11) / 10.0;
    input.options.k = 1 + inputs.Below(20);
    input.options.diversity = {&vectors, lambda};
    const std::vector<FusedCandidate> pool = PoolOf(input);
    const FusionResult result = Fused(input);
    ASSERT_EQ(result.candidates.size(),
              std::min<size_t>(input.options.k, pool.size()));
    std::vector<FusedCandidate> open = pool;
    std::vector<FusedCandidate> chosen;
    for (const FusedCandidate& candidate : result.candidates) {
      const auto value = [&](const FusedCandidate& one) {
        const double worst = pool.back().score;
        const double range = pool.front().score - worst;
        const double relevance = range > 0 ? (one.score - worst) / range : 1;
        double likeness = chosen.empty() ? 0 : -1;
        for (const FusedCandidate& before : chosen) {
          likeness = std::max(likeness, vectors.Cosine(one.row, before.row));
        }
        return lambda * relevance - (1 - lambda) * likeness;
      };
      const auto at = std::ranges::find(open, candidate);
      ASSERT_NE(at, open.end()) << "not of the pool, or twice";
      double greatest = -2;
      for (const FusedCandidate& other : open) {
        greatest = std::max(greatest, value(other));
      }
      ASSERT_GE(value(candidate), greatest - 1e-4) << round;
      open.erase(at);
      chosen.push_back(candidate);
    }
    moved += !std::ranges::is_sorted(chosen, std::greater<>(),
                                     &FusedCandidate::score);
  }
  EXPECT_GT(moved, kRounds / 4);
}

TEST(DiversityProperty, RelevanceAloneIsTheListWithoutReservations) {
  RandomInputs inputs(42);
  for (int round = 0; round < kRounds; ++round) {
    FuseInput input = inputs.Next();
    for (FusionSource& source : input.sources) {
      source.min = source.target = 0;
      source.max = std::numeric_limits<uint32_t>::max();
    }
    const auto plain = Fused(input);
    const TableVectors vectors = RandomTable(&inputs);
    input.options.diversity = {&vectors, 1};
    const auto diverse = Fused(input);
    ASSERT_EQ(diverse.candidates, plain.candidates);
    for (size_t s = 0; s < input.sources.size(); ++s) {
      ASSERT_EQ(diverse.outcomes[s].admitted, plain.outcomes[s].admitted);
    }
  }
}

TEST(DiversityProperty, QuotasOfThePoolHoldAndOutcomesAddUp) {
  RandomInputs inputs(43);
  for (int round = 0; round < kRounds; ++round) {
    FuseInput input = inputs.Next();
    const TableVectors vectors = RandomTable(&inputs);
    input.options.diversity = {&vectors, 0.5};
    const auto result = Fused(input);
    uint32_t admitted = 0;
    for (size_t s = 0; s < input.sources.size(); ++s) {
      const SourceOutcome& outcome = result.outcomes[s];
      ASSERT_EQ(outcome.admitted + outcome.shortfall, input.sources[s].target);
      ASSERT_TRUE(!outcome.list_full ||
                  result.candidates.size() == input.options.k);
      admitted += outcome.admitted;
      // Those that no other source proposes can count for it alone.
      uint32_t own = 0;
      for (const FusedCandidate& candidate : result.candidates) {
        own += candidate.sources == 1u << s;
      }
      ASSERT_LE(own, input.sources[s].max);
    }
    ASSERT_LE(admitted, result.candidates.size());
  }
}

// Rows 0 to 9 point in one direction, 10 to 19 in another, and 20 to 29 in a
// third; the first are the best.
class ThreeTopics : public testing::Test {
 protected:
  ThreeTopics() {
    std::vector<Row> rows(30);
    for (Row row = 0; row < 30; ++row) rows[row] = row;
    input_ = WeightedInput({rows}, {1}, 6);
    input_.options.policy = FusionPolicy::kWeighted;
  }
  static TableVectors Vectors() {
    std::map<Row, std::vector<float>> vectors;
    for (Row row = 0; row < 30; ++row) {
      std::vector<float> vector(TableVectors::kDim);
      vector[row / 10] = 1 + static_cast<float>(row);
      vector[3] = static_cast<float>(row % 10) / 100;
      vectors[row] = vector;
    }
    return TableVectors(std::move(vectors));
  }

  FuseInput input_;
  const TableVectors vectors_ = Vectors();
};

TEST_F(ThreeTopics, DifferenceBringsInEachOfThem) {
  EXPECT_THAT(RowsOf(Fused(input_)), ElementsAre(0, 1, 2, 3, 4, 5));
  input_.options.diversity = {&vectors_, 0.3};
  const auto rows = RowsOf(Fused(input_));
  // 10 is the best of the second topic. The third one is further down than
  // the pool of 24, but for 20 to 23.
  EXPECT_THAT((std::vector<Row>{rows[0], rows[1], rows[2]}),
              ElementsAre(0, 10, 20));
}

TEST_F(ThreeTopics, ScoresAndFactorsAreThoseBefore) {
  class Doubled final : public RowFactors {
   public:
    void GetFactors(std::span<const Row> rows,
                    std::span<float> factors) const override {
      for (size_t i = 0; i < rows.size(); ++i) factors[i] = rows[i] < 2 ? 1 : 2;
    }
  };
  const Doubled doubled;
  input_.options.factors = &doubled;
  std::map<Row, float> scores;
  for (const FusedCandidate& candidate : PoolOf(input_)) {
    scores[candidate.row] = candidate.score;
  }
  input_.options.diversity = {&vectors_, 0.6};
  const FusionResult result = Fused(input_);
  // Rows 0 and 1 are less relevant than row 2 now.
  EXPECT_EQ(result.candidates[0].row, 2);
  for (size_t i = 0; i < result.candidates.size(); ++i) {
    const FusedCandidate& candidate = result.candidates[i];
    EXPECT_EQ(candidate.score, scores[candidate.row]);
    EXPECT_EQ(result.factors[i], candidate.row < 2 ? 1 : 2);
  }
}

TEST_F(ThreeTopics, AnItemWithoutAVectorIsLikeNoOther) {
  input_.options.diversity = {&vectors_, 0.6};
  std::map<Row, std::vector<float>> only_first;
  for (Row row = 0; row < 10; ++row) only_first[row] = vectors_.Of(row);
  const TableVectors vectors(only_first);
  input_.options.diversity.vectors = &vectors;
  EXPECT_THAT(RowsOf(Fused(input_)), ElementsAre(0, 10, 11, 12, 13, 14));
}

// Caps that no item of the pool fits look further than the pool.
TEST_F(ThreeTopics, CapsThatLeaveTheListShortEnlargeThePool) {
  class Topics final : public RowGroups {
   public:
    void GetGroups(std::span<const Row> rows,
                   std::span<uint32_t> groups) const override {
      for (size_t i = 0; i < rows.size(); ++i) groups[i] = rows[i] / 10;
    }
  };
  const Topics topics;
  const FusionCap cap{&topics, 1};
  input_.options.caps = {&cap, 1};
  input_.options.k = 2;
  input_.options.diversity = {&vectors_, 1};
  // The pool is rows 0 to 7, then 0 to 15.
  const FusionResult result = Fused(input_);
  EXPECT_THAT(RowsOf(result), ElementsAre(0, 10));
  EXPECT_THAT(result.rejected, ElementsAre(9));
  input_.options.k = 5;
  EXPECT_THAT(RowsOf(Fused(input_)), ElementsAre(0, 10, 20));
}

TEST(Diversity, EqualRelevanceIsOrderedByDifference) {
  FuseInput input = WeightedInput({{1, 2, 3}}, {0}, 3);
  input.options.policy = FusionPolicy::kQuota;
  input.options.has_model = true;
  const TableVectors vectors(
      {{1, {1, 0, 0, 0, 0}}, {2, {1, 0, 0, 0, 0}}, {3, {-1, 0, 0, 0, 0}}});
  input.options.diversity = {&vectors, 0.9};
  const FusionResult result = Fused(input);
  EXPECT_THAT(RowsOf(result), ElementsAre(1, 3, 2));
  for (const auto& candidate : result.candidates) EXPECT_EQ(candidate.score, 0);
}

}  // namespace
}  // namespace tributary
