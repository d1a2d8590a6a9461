#include "server/fusion/score.h"

#include <algorithm>
#include <cstddef>

namespace tributary {
namespace {

// Reciprocal rank fusion (Cormack, Clarke, Buettcher 2009), weighted.
void AddReciprocalRanks(const FusionSource& source, size_t s, double weight,
                        double k0, CandidatePool* pool) {
  for (size_t rank = 0; rank < source.proposals.size(); ++rank) {
    pool->At(s, rank).score += weight / (k0 + static_cast<double>(rank + 1));
  }
}

// Ranks beyond those measured go on as 1 / rank.
void AddGains(const FusionSource& source, size_t s, CandidatePool* pool) {
  const size_t measured = source.gains.size();
  for (size_t rank = 0; rank < source.proposals.size(); ++rank) {
    pool->At(s, rank).score +=
        rank < measured ? source.gains[rank]
                        : source.gains.back() * static_cast<double>(measured) /
                              static_cast<double>(rank + 1);
  }
}

void ScoreByExpectedHits(std::span<const FusionSource> sources, double k0,
                         CandidatePool* pool) {
  const bool measured =
      std::none_of(sources.begin(), sources.end(),
                   [](const auto& source) { return source.gains.empty(); });
  for (size_t s = 0; s < sources.size(); ++s) {
    if (measured) {
      AddGains(sources[s], s, pool);
    } else {
      const double weight = 1.0 / static_cast<double>(2 * s + 1);
      AddReciprocalRanks(sources[s], s, weight, k0, pool);
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

void ScoreCandidates(std::span<const FusionSource> sources,
                     const FusionOptions& options, CandidatePool* pool) {
  switch (options.policy) {
    case FusionPolicy::kQuota:
      ScoreByExpectedHits(sources, options.k0, pool);
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
