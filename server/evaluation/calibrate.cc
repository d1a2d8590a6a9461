#include "server/evaluation/calibrate.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "server/evaluation/evaluate.h"
#include "server/fusion/fuse.h"
#include "server/fusion/hit_rates.h"

namespace tributary {
namespace {

constexpr uint32_t kPrefixes[] = {20, 50, 100, 200};
constexpr double kWeights[] = {0, .05, .1, .2, .35, .5, .75, 1};
// Coordinate ascent: each source's weight is chosen this often.
constexpr int kPasses = 2;

using Recalls = std::vector<std::vector<double>>;

double Mean(const Recalls& recalls, size_t j) {
  double sum = 0;
  for (const auto& recall : recalls) sum += recall[j];
  return sum / static_cast<double>(recalls.size());
}

// For each k, the recalls of the source that is best at it.
Recalls BestAlone(std::span<const UserLists> users, size_t n_sources,
                  std::span<const uint32_t> ks) {
  Recalls best = RecallsAlone(users, 0, ks);
  for (size_t s = 1; s < n_sources; ++s) {
    const Recalls other = RecallsAlone(users, s, ks);
    for (size_t j = 0; j < ks.size(); ++j) {
      if (Mean(other, j) <= Mean(best, j)) continue;
      for (size_t i = 0; i < users.size(); ++i) best[i][j] = other[i][j];
    }
  }
  return best;
}

// The least, over ks, of the lower confidence bound (one standard error) of
// the mean gain over `best`, relative to it.
double WorstLowerBound(const Recalls& fused, const Recalls& best, size_t n_ks) {
  const auto n = static_cast<double>(fused.size());
  double worst = std::numeric_limits<double>::infinity();
  for (size_t j = 0; j < n_ks; ++j) {
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < fused.size(); ++i) {
      const double d = fused[i][j] - best[i][j];
      sum += d;
      squares += d * d;
    }
    const double mean = sum / n;
    const double deviation =
        std::sqrt(std::max(0.0, squares / n - mean * mean));
    const double base = std::max(Mean(best, j), 1e-9);
    worst = std::min(worst, (mean - deviation / std::sqrt(n)) / base);
  }
  return worst;
}

void ChooseWeights(std::span<const UserLists> users, uint32_t k,
                   uint32_t threads, Calibration* calibration) {
  std::vector<uint32_t> ks;
  for (const uint32_t prefix : kPrefixes) {
    // Of the whole list, weights change the order only.
    if (prefix < k) ks.push_back(prefix);
  }
  if (ks.empty()) ks.push_back(k);
  auto& sources = calibration->sources;
  const Recalls best = BestAlone(users, sources.size(), ks);
  const auto bound = [&] {
    return WorstLowerBound(FusedRecalls(users, *calibration, k, ks, threads),
                           best, ks.size());
  };
  sources[0].weight = 1;
  double best_bound = bound();
  for (int pass = 0; pass < kPasses; ++pass) {
    for (size_t s = 1; s < sources.size(); ++s) {
      double best_weight = sources[s].weight;
      for (const double weight : kWeights) {
        sources[s].weight = weight;
        const double found = bound();
        if (found <= best_bound) continue;
        best_bound = found;
        best_weight = weight;
      }
      sources[s].weight = best_weight;
    }
  }
}

void ChooseReserve(std::span<const UserLists> users, uint32_t k,
                   uint32_t threads, Calibration* calibration) {
  const uint32_t ks[] = {k};
  const Recalls best = BestAlone(users, calibration->sources.size(), ks);
  const Recalls fused = FusedRecalls(users, *calibration, k, ks, threads);
  calibration->reserve_by_score = Mean(fused, 0) < Mean(best, 0);
}

}  // namespace

uint32_t CalibrationDepth(uint32_t k) { return k + k / 2; }

Calibration Calibrate(std::span<const UserLists> users,
                      std::span<const uint32_t> targets, uint32_t k,
                      uint32_t threads) {
  Calibration calibration;
  for (size_t s = 0; s < targets.size(); ++s) {
    calibration.sources.push_back(MeasureHitRates(users, s, k));
    calibration.sources.back().target = targets[s];
  }
  ChooseWeights(users, k, threads, &calibration);
  ChooseReserve(users, k, threads, &calibration);
  return calibration;
}

std::vector<std::vector<double>> FusedRecalls(std::span<const UserLists> users,
                                              const Calibration& calibration,
                                              uint32_t k,
                                              std::span<const uint32_t> ks,
                                              uint32_t threads) {
  std::vector<std::vector<double>> gains;
  for (const CalibratedSource& source : calibration.sources) {
    gains.push_back(GainsByRank(
        {.bounds = source.rank_upper_bounds, .rates = source.hit_rates},
        source.weight));
  }
  const FusionOptions options{.k = k,
                              .reserve_by_score = calibration.reserve_by_score};
  const size_t depth = calibration.reserve_by_score ? CalibrationDepth(k) : k;
  Recalls recalls(users.size());
  const auto fuse_user = [&](size_t i) {
    std::vector<FusionSource> sources;
    for (size_t s = 0; s < calibration.sources.size(); ++s) {
      const std::span<const ScoredRow> list(users[i].lists[s]);
      sources.push_back({.proposals = list.first(std::min(depth, list.size())),
                         .target = calibration.sources[s].target,
                         .gains = gains[s]});
    }
    FusionResult result;
    Fuse(sources, options, &result);
    std::vector<Row> rows;
    for (const auto& candidate : result.candidates) {
      rows.push_back(candidate.row);
    }
    recalls[i] = RecallAt(*users[i].user, rows, ks);
    return absl::OkStatus();
  };
  // Fusing never fails.
  (void)ForEachUser(
      users.size(), threads, [](double) {}, fuse_user);
  return recalls;
}

}  // namespace tributary
