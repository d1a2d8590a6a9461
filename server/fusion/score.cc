// Scores of merged lists.
//
// Scores of different sources cannot be compared: one is an inner product, one
// a count of interactions. Ranks can. So all policies but kWeighted score an
// item by the ranks r = 1, 2, ... at which sources propose it. A source that
// does not propose the item adds nothing.
//
// kRrf is reciprocal rank fusion (Cormack, Clarke, Buettcher: Reciprocal Rank
// Fusion outperforms Condorcet and individual Rank Learning Methods, SIGIR
// 2009), with weights:
//   score(i) = sum over s of w_s / (k0 + r_s(i)).
// k0 dampens the first ranks: the larger it is, the more an item gains from
// several sources compared with one high rank. The paper uses 60.
//
// kQuota with a model is logistic regression on ranks (compare Le Calve, Savoy:
// Database merging strategy based on logistic regression, Information
// Processing & Management 36, 2000). The log-odds that the user wants item i:
//   b + sum over s of w_s * v(r_s(i)),  v(r) = ln(1 + 60 / r).
// The score is the sum without the intercept b, which is the same for all
// items. v falls like -ln(r) at first and like 60 / r in the tail, where it
// tends to 0, the value of "not proposed". evaluation/fit_fusion.cc fits the
// weights, which are not negative, on held-out interactions; for cold users,
// short histories and long ones separately where that pays.
//
// kQuota without a model weighs sources by their priority: w_s = 1 / (2 s + 1)
// in the formula of kRrf. With these weights, as with a model, every prefix of
// the list had at least the recall of the best source alone when measured.
//
// kWeighted is CombSUM (Fox, Shaw: Combination of Multiple Searches, TREC-2,
// 1994), with weights: the sum of w_s times the source's own score, scaled to
// 0..1 over the source's list.
//
// kInterleave gives the n-th item of the interleaved list the score 1 / n.
//
// Items that only sources with a weight of 0 propose have the score 0 by every
// policy that weighs. They stand by the best of their ranks, behind those of
// the other sources.
#include "server/fusion/score.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace tributary {
namespace {

constexpr double kRankScale = 60;
// The values of these first ranks are computed once.
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

// For kQuota without a model.
void AddByPriority(std::span<const FusionSource> sources, double k0,
                   CandidatePool* pool) {
  for (size_t s = 0; s < sources.size(); ++s) {
    const double weight = 1.0 / static_cast<double>(2 * s + 1);
    AddReciprocalRanks(sources[s], s, weight, k0, pool);
  }
}

// Where a source proposes scores that are not finite, only ranks say something.
void AddScaledRanks(const FusionSource& source, size_t s, CandidatePool* pool) {
  const size_t proposed = source.proposals.size();
  for (size_t rank = 0; rank < proposed; ++rank) {
    pool->At(s, rank).score += source.weight *
                               static_cast<double>(proposed - rank) /
                               static_cast<double>(proposed);
  }
}

void AddScaledScores(const FusionSource& source, size_t s,
                     CandidatePool* pool) {
  if (source.proposals.empty()) return;
  const double best = source.proposals.front().score;
  const double worst = source.proposals.back().score;
  const double range = best - worst;
  if (!std::isfinite(range)) return AddScaledRanks(source, s, pool);
  for (size_t rank = 0; rank < source.proposals.size(); ++rank) {
    const double scaled =
        range > 0 ? (source.proposals[rank].score - worst) / range : 1;
    // In this order, 0 for NaN.
    pool->At(s, rank).score += source.weight * std::max(0.0, scaled);
  }
}

// Below it, what a source adds is 0 as a float, the type of a score.
bool Counts(double weight) {
  return weight >= std::numeric_limits<float>::min();
}

// Ranks the entries that only sources without a weight propose.
void RankUnweighed(const FusionSource& source, size_t s, uint32_t weighed,
                   CandidatePool* pool) {
  for (size_t rank = 0; rank < source.proposals.size(); ++rank) {
    CandidatePool::Entry& entry = pool->At(s, rank);
    if ((entry.sources & weighed) != 0) continue;
    const auto from_1 = static_cast<uint32_t>(rank + 1);
    entry.unweighed_rank = entry.unweighed_rank == 0
                               ? from_1
                               : std::min(entry.unweighed_rank, from_1);
  }
}

// For the policies that weigh sources.
void AddWeighed(std::span<const FusionSource> sources,
                const FusionOptions& options, CandidatePool* pool) {
  uint32_t weighed = 0;
  for (size_t s = 0; s < sources.size(); ++s) {
    if (Counts(sources[s].weight)) weighed |= 1u << s;
  }
  for (size_t s = 0; s < sources.size(); ++s) {
    const FusionSource& source = sources[s];
    if (!Counts(source.weight)) {
      RankUnweighed(source, s, weighed, pool);
    } else if (options.policy == FusionPolicy::kQuota) {
      AddLogOdds(source, s, pool);
    } else if (options.policy == FusionPolicy::kRrf) {
      AddReciprocalRanks(source, s, source.weight, options.k0, pool);
    } else {
      AddScaledScores(source, s, pool);
    }
  }
}

// Sources take turns, in order of priority. In its turn a source gives its best
// item that was not given yet. A score above 0 says that an entry was given.
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
  if (options.policy == FusionPolicy::kInterleave) {
    ScoreByTurns(sources, pool);
  } else if (options.policy == FusionPolicy::kQuota && !options.has_model) {
    AddByPriority(sources, options.k0, pool);
  } else {
    AddWeighed(sources, options, pool);
  }
}

}  // namespace tributary
