// Fusion depends on its input alone, so its contract is tested as properties
// over many random inputs, besides a few examples.
#include "server/fusion/fuse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "tests/server/fusion/fuse_input.h"
#include "tests/server/fusion/random_inputs.h"

namespace tributary {
namespace {

using testing::ElementsAre;

FuseInput MakeInput(const std::vector<std::vector<Row>>& lists,
                    const std::vector<uint32_t>& targets, uint32_t k) {
  FuseInput input = WeightedInput(lists, {targets.begin(), targets.end()}, k);
  for (size_t s = 0; s < targets.size(); ++s) {
    input.sources[s].target = targets[s];
  }
  return input;
}

constexpr int kRounds = 4000;

TEST(FuseProperty, NeverMoreThanKAndNeverTwice) {
  RandomInputs inputs(1);
  for (int round = 0; round < kRounds; ++round) {
    const FuseInput input = inputs.Next();
    const std::vector<Row> rows = RowsOf(Fused(input));
    EXPECT_LE(rows.size(), input.options.k);
    EXPECT_EQ(std::set<Row>(rows.begin(), rows.end()).size(), rows.size());
  }
}

TEST(FuseProperty, EveryCandidateCarriesExactlyTheSourcesThatProposedIt) {
  RandomInputs inputs(2);
  for (int round = 0; round < kRounds; ++round) {
    const FuseInput input = inputs.Next();
    for (const FusedCandidate& candidate : Fused(input).candidates) {
      EXPECT_NE(candidate.sources, 0);
      for (size_t s = 0; s < input.sources.size(); ++s) {
        EXPECT_EQ((candidate.sources >> s & 1) != 0,
                  ProposedBy(input, s, candidate.row));
      }
    }
  }
}

// Among scores of 0: what a source with a weight proposes, then by best rank.
size_t PlaceAmongZeros(const FuseInput& input, Row row) {
  size_t best = std::numeric_limits<size_t>::max();
  for (size_t s = 0; s < input.sources.size(); ++s) {
    const auto& list = input.proposals[s];
    const auto at = std::ranges::find(list, row, &ScoredRow::row);
    if (at == list.end()) continue;
    if (input.sources[s].weight > 0) return 0;
    best = std::min(best, static_cast<size_t>(at - list.begin()) + 1);
  }
  return best;
}

TEST(FuseProperty, ScoresDescendAndTiesAreInOrderOfRanksAtZeroThenOfRows) {
  RandomInputs inputs(3);
  int zeros = 0;
  for (int round = 0; round < kRounds; ++round) {
    const FuseInput input = inputs.Next();
    const FusionResult result = Fused(input);
    const auto& candidates = result.candidates;
    for (size_t i = 1; i < candidates.size(); ++i) {
      const FusedCandidate& before = candidates[i - 1];
      const FusedCandidate& candidate = candidates[i];
      EXPECT_GE(before.score, candidate.score);
      if (before.score != candidate.score) continue;
      size_t place = 0;
      size_t place_before = 0;
      if (candidate.score == 0 && !result.weights_unusable) {
        place = PlaceAmongZeros(input, candidate.row);
        place_before = PlaceAmongZeros(input, before.row);
        ++zeros;
      }
      EXPECT_LT(std::pair(place_before, before.row),
                std::pair(place, candidate.row));
    }
  }
  EXPECT_GT(zeros, kRounds / 10);
  const FuseInput tie = MakeInput({{9}, {3}}, {1, 1}, 2);
  FuseInput weighted = tie;
  weighted.options.policy = FusionPolicy::kWeighted;
  EXPECT_THAT(RowsOf(Fused(weighted)), ElementsAre(3, 9));
}

TEST(FuseProperty, ShortfallAndAdmittedMakeTheTarget) {
  RandomInputs inputs(4);
  for (int round = 0; round < kRounds; ++round) {
    const FuseInput input = inputs.Next();
    const FusionResult result = Fused(input);
    ASSERT_EQ(result.outcomes.size(), input.sources.size());
    for (size_t s = 0; s < input.sources.size(); ++s) {
      EXPECT_EQ(result.outcomes[s].admitted + result.outcomes[s].shortfall,
                input.sources[s].target);
    }
  }
}

// Whether every chosen row can be assigned to a source that proposed it so that
// no source gets more than its max: bipartite matching by augmenting paths.
bool RespectsMax(const FuseInput& input, const std::vector<Row>& rows) {
  std::vector<std::vector<Row>> held(input.sources.size());
  std::function<bool(Row, std::set<size_t>&)> assign = [&](Row row,
                                                           auto& tried) {
    for (size_t s = 0; s < held.size(); ++s) {
      if (!ProposedBy(input, s, row) || !tried.insert(s).second) continue;
      if (held[s].size() < input.sources[s].max) {
        held[s].push_back(row);
        return true;
      }
      for (Row& other : held[s]) {
        if (assign(other, tried)) {
          other = row;
          return true;
        }
      }
    }
    return false;
  };
  return std::all_of(rows.begin(), rows.end(), [&](Row row) {
    std::set<size_t> tried;
    return assign(row, tried);
  });
}

TEST(FuseProperty, MaxHoldsBackfillIncluded) {
  RandomInputs inputs(5);
  for (int round = 0; round < kRounds; ++round) {
    const FuseInput input = inputs.Next();
    EXPECT_TRUE(RespectsMax(input, RowsOf(Fused(input))));
  }
}

TEST(FuseProperty, EverySourceKeepsItsQuotaInSpiteOfDuplicates) {
  RandomInputs inputs(6);
  for (int round = 0; round < kRounds; ++round) {
    FuseInput input = inputs.Next();
    input.options.policy = FusionPolicy::kQuota;
    uint32_t targets = 0;
    for (const auto& source : input.sources) targets += source.target;
    if (targets > input.options.k) continue;
    const FusionResult result = Fused(input);
    for (size_t s = 0; s < input.sources.size(); ++s) {
      if (result.outcomes[s].shortfall == 0) continue;
      // The only allowed cause: all it proposed is in the list already.
      EXPECT_FALSE(result.outcomes[s].list_full);
      const std::vector<Row> rows = RowsOf(result);
      for (const ScoredRow& proposal : input.proposals[s]) {
        EXPECT_NE(std::find(rows.begin(), rows.end(), proposal.row),
                  rows.end());
      }
    }
  }
}

TEST(FuseProperty, EveryPolicyKeepsTheMinimum) {
  RandomInputs inputs(7);
  for (int round = 0; round < kRounds; ++round) {
    const FuseInput input = inputs.Next();
    uint32_t minima = 0;
    for (const auto& source : input.sources) minima += source.min;
    if (minima > input.options.k) continue;
    const std::vector<Row> rows = RowsOf(Fused(input));
    for (size_t s = 0; s < input.sources.size(); ++s) {
      const auto found = static_cast<size_t>(
          std::count_if(rows.begin(), rows.end(),
                        [&](Row row) { return ProposedBy(input, s, row); }));
      EXPECT_GE(found, std::min<size_t>(input.sources[s].min,
                                        input.proposals[s].size()));
    }
  }
}

TEST(FuseProperty, FewerThanKOnlyIfAllSourcesTogetherHaveFewer) {
  RandomInputs inputs(8);
  for (int round = 0; round < kRounds; ++round) {
    FuseInput input = inputs.Next();
    std::set<Row> all;
    for (size_t s = 0; s < input.sources.size(); ++s) {
      input.sources[s].max = std::numeric_limits<uint32_t>::max();
      for (const auto& proposal : input.proposals[s]) all.insert(proposal.row);
    }
    EXPECT_EQ(Fused(input).candidates.size(),
              std::min<size_t>(input.options.k, all.size()));
  }
}

TEST(FuseProperty, EqualInputGivesEqualOutput) {
  RandomInputs inputs(9);
  RandomInputs others(99);
  for (int round = 0; round < kRounds; ++round) {
    const FuseInput input = inputs.Next();
    const FusionResult first = Fused(input);
    Fused(others.Next());  // Earlier calls on the thread must not matter.
    EXPECT_EQ(Fused(input).candidates, first.candidates);
  }
}

// The first `target` proposals of each source, one source after the other,
// without duplicates.
std::vector<Row> NaiveConcatenation(const FuseInput& input) {
  std::vector<Row> rows;
  std::set<Row> seen;
  for (const FusionSource& source : input.sources) {
    const size_t n = std::min<size_t>(source.target, source.proposals.size());
    for (const ScoredRow& proposal : source.proposals.first(n)) {
      if (rows.size() < input.options.k && seen.insert(proposal.row).second) {
        rows.push_back(proposal.row);
      }
    }
  }
  return rows;
}

// By the scores of fusion, the items of every prefix are worth at least as much
// as those of the same prefix of the naive concatenation.
TEST(FuseProperty, EveryPrefixIsAtLeastAsGoodAsNaiveConcatenation) {
  RandomInputs inputs(10);
  int compared = 0;
  for (int round = 0; round < kRounds; ++round) {
    FuseInput input = inputs.Next();
    input.options.policy = FusionPolicy::kQuota;
    // With a model, sources reserve by score, which a concatenation does not.
    input.options.has_model = false;
    uint32_t targets = 0;
    for (auto& source : input.sources) {
      targets += source.target;
      source.max = std::numeric_limits<uint32_t>::max();
    }
    if (targets > input.options.k) continue;
    ++compared;
    // A list that is long enough for all proposals has the score of every row.
    FuseInput everything = input;
    everything.options.k = 1000;
    std::map<Row, double> gain;
    for (const auto& c : Fused(everything).candidates) gain[c.row] = c.score;
    const std::vector<Row> ours = RowsOf(Fused(input));
    const std::vector<Row> naive = NaiveConcatenation(input);
    double our_gain = 0;
    double naive_gain = 0;
    ASSERT_GE(ours.size(), naive.size());
    for (size_t j = 0; j < naive.size(); ++j) {
      our_gain += gain[ours[j]];
      naive_gain += gain[naive[j]];
      EXPECT_GE(our_gain, naive_gain - 1e-6) << "prefix " << j + 1;
    }
  }
  EXPECT_GT(compared, kRounds / 10);
}

TEST(FuseQuota, ADuplicateCostsNoSourceItsQuota) {
  const FuseInput input = MakeInput({{1, 2, 3}, {1, 2, 4, 5}}, {2, 2}, 4);
  const FusionResult result = Fused(input);
  std::vector<Row> rows = RowsOf(result);
  std::sort(rows.begin(), rows.end());
  EXPECT_THAT(rows, ElementsAre(1, 2, 4, 5));
  EXPECT_EQ(result.outcomes[1].admitted, 2);
}

TEST(FuseQuota, BackfillsWhatASourceCannotGive) {
  const FuseInput input = MakeInput({{1, 2, 3, 4, 5}, {1}}, {2, 2}, 4);
  const FusionResult result = Fused(input);
  EXPECT_EQ(result.candidates.size(), 4);
  EXPECT_EQ(result.outcomes[1].admitted, 0);
  EXPECT_EQ(result.outcomes[1].shortfall, 2);
  EXPECT_FALSE(result.outcomes[1].list_full);
}

TEST(FuseQuota, SaysWhenTheListWasFull) {
  const FuseInput input = MakeInput({{1, 2, 3}, {7, 8, 9}}, {3, 3}, 4);
  const FusionResult result = Fused(input);
  EXPECT_EQ(result.outcomes[0].admitted, 3);
  EXPECT_EQ(result.outcomes[1].admitted, 1);
  EXPECT_EQ(result.outcomes[1].shortfall, 2);
  EXPECT_TRUE(result.outcomes[1].list_full);
}

TEST(FuseQuota, AModelOrdersByLogOdds) {
  FuseInput input = MakeInput({{1, 2}, {7, 1}}, {0, 0}, 4);
  input.options.has_model = true;
  input.sources[0].weight = .2;
  input.sources[1].weight = .5;
  const FusionResult result = Fused(input);
  EXPECT_THAT(RowsOf(result), ElementsAre(1, 7, 2));
  EXPECT_FLOAT_EQ(
      result.candidates[0].score,
      static_cast<float>(.2 * std::log(1 + 60.0) + .5 * std::log(1 + 30.0)));
}

TEST(FuseQuota, AModelReservesTheBestByScore) {
  // Source 1 ranks 7 first, but source 2 proposes 9 too.
  FuseInput input = MakeInput({{1, 2, 3}, {7, 9}, {9}}, {0, 1, 0}, 3);
  input.options.has_model = true;
  input.sources[0].weight = 1;
  input.sources[1].weight = .1;
  input.sources[2].weight = .1;
  EXPECT_THAT(RowsOf(Fused(input)), ElementsAre(1, 2, 9));
}

TEST(FuseRrf, IsTheSumOfWeightedReciprocalRanks) {
  FuseInput input = MakeInput({{1, 2}, {2, 3}}, {1, 1}, 3);
  input.options = {.policy = FusionPolicy::kRrf, .k = 3, .k0 = 60};
  input.sources[0].weight = 1;
  input.sources[1].weight = .5;
  const FusionResult result = Fused(input);
  EXPECT_THAT(RowsOf(result), ElementsAre(2, 1, 3));
  EXPECT_FLOAT_EQ(result.candidates[0].score,
                  static_cast<float>(1.0 / 62 + .5 / 61));
  EXPECT_EQ(result.candidates[0].sources, 3);
}

TEST(FuseWeighted, ScalesScoresWithinTheirSource) {
  FuseInput input = MakeInput({{1, 2, 3}, {4, 5}}, {1, 1}, 5);
  input.options.policy = FusionPolicy::kWeighted;
  input.sources[0].weight = 1;
  input.sources[1].weight = 3;
  const FusionResult result = Fused(input);
  EXPECT_EQ(result.candidates[0].row, 4);
  EXPECT_FLOAT_EQ(result.candidates[0].score, 3);
  EXPECT_EQ(result.candidates[1].row, 1);
  EXPECT_FLOAT_EQ(result.candidates[1].score, 1);
}

TEST(FuseInterleave, SourcesTakeTurns) {
  FuseInput input = MakeInput({{1, 2, 3}, {1, 7}, {9}}, {1, 1, 1}, 5);
  input.options.policy = FusionPolicy::kInterleave;
  EXPECT_THAT(RowsOf(Fused(input)), ElementsAre(1, 7, 9, 2, 3));
}

TEST(Fuse, NoSourcesGiveAnEmptyList) {
  FusionResult result;
  Fuse({}, {.k = 10}, &result);
  EXPECT_TRUE(result.candidates.empty());
  EXPECT_TRUE(result.outcomes.empty());
}

TEST(RankValue, FallsStrictlyBeyondWhatIsTabulated) {
  EXPECT_DOUBLE_EQ(RankValue(0), std::log(61.0));
  for (size_t rank = 1; rank < 5000; ++rank) {
    EXPECT_LT(RankValue(rank), RankValue(rank - 1)) << rank;
  }
  EXPECT_GT(RankValue(1000000), 0);
}

}  // namespace
}  // namespace tributary
