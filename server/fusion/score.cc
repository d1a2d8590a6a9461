#include "server/fusion/score.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace tributary {
namespace {

constexpr double kRankScale = 60;
// Logarithms are computed once up to here.
constexpr size_t kTabledRanks = 4096;

double ComputeRankValue(size_t rank) {
  return std::log1p(kRankScale / static_cast<double>(rank + 1));
}

std::array<double, kTabledRanks> TabulateRankValues() {
  std::array<double, kTabledRanks> values;
  for (size_t rank = 0; rank < kTabledRanks; ++rank) {
    values[rank] = ComputeRankValue(rank);
  }
  return values;
}

// Reciprocal rank fusion (Cormack, Clarke, Buettcher 2009), weighted.
void AddReciprocalRanks(const FusionSource& source, size_t s, double weight,
                        double k0, CandidatePool* pool) {
  for (size_t rank = 0; rank < source.proposals.size(); ++rank) {
    pool->At(s, rank).score += weight / (k0 + static_cast<double>(rank + 1));
  }
}

const std::array<double, kTabledRanks>& RankValues() {
  static const std::array<double, kTabledRanks> values = TabulateRankValues();
  return values;
}

void AddLogOdds(const FusionSource& source, size_t s, CandidatePool* pool) {
  const std::array<double, kTabledRanks>& values = RankValues();
  const size_t proposed = source.proposals.size();
  const size_t tabled = std::min(proposed, kTabledRanks);
  for (size_t rank = 0; rank < tabled; ++rank) {
    pool->At(s, rank).score += source.weight * values[rank];
  }
  for (size_t rank = tabled; rank < proposed; ++rank) {
    pool->At(s, rank).score += source.weight * ComputeRankValue(rank);
  }
}

void ScoreByExpectedHits(std::span<const FusionSource> sources,
                         const FusionOptions& options, CandidatePool* pool) {
  for (size_t s = 0; s < sources.size(); ++s) {
    if (options.has_model) {
      AddLogOdds(sources[s], s, pool);
    } else {
      const double weight = 1.0 / static_cast<double>(2 * s + 1);
      AddReciprocalRanks(sources[s], s, weight, options.k0, pool);
    }
  }
}

void AddScaledScores(const FusionSource& source, size_t s,
                     CandidatePool* pool) {
  if (source.proposals.empty()) return;
  const double best = source.proposals.front().score;
  const double worst = source.proposals.back().score;
  const double range = best - worst;
  for (size_t rank = 0; rank < source.proposals.size(); ++rank) {
    const double scaled =
        range > 0 ? (source.proposals[rank].score - worst) / range : 1;
    pool->At(s, rank).score += source.weight * scaled;
  }
}

// Numbers the entries in the order in which sources that take turns would give
// them.
void ScoreByTurns(std::span<const FusionSource> sources, CandidatePool* pool) {
  size_t cursor[kMaxSources] = {};
  size_t given = 0;
  while (given < pool->entries().size()) {
    for (size_t s = 0; s < sources.size(); ++s) {
      const size_t proposed = sources[s].proposals.size();
      while (cursor[s] < proposed && pool->At(s, cursor[s]).score > 0) {
        ++cursor[s];
      }
      if (cursor[s] == proposed) continue;
      pool->At(s, cursor[s]).score = 1.0 / static_cast<double>(++given);
    }
  }
}

}  // namespace

double RankValue(size_t rank) {
  return rank < kTabledRanks ? RankValues()[rank] : ComputeRankValue(rank);
}

void ScoreCandidates(std::span<const FusionSource> sources,
                     const FusionOptions& options, CandidatePool* pool) {
  switch (options.policy) {
    case FusionPolicy::kQuota:
      ScoreByExpectedHits(sources, options, pool);
      break;
    case FusionPolicy::kRrf:
      for (size_t s = 0; s < sources.size(); ++s) {
        AddReciprocalRanks(sources[s], s, sources[s].weight, options.k0, pool);
      }
      break;
    case FusionPolicy::kWeighted:
      for (size_t s = 0; s < sources.size(); ++s) {
        AddScaledScores(sources[s], s, pool);
      }
      break;
    case FusionPolicy::kInterleave:
      ScoreByTurns(sources, pool);
      break;
  }
}

}  // namespace tributary
