#include "index/train/trending.h"

#include <algorithm>
#include <cmath>

#include "index/train/popularity.h"

namespace tributary {
namespace {

constexpr double kSecondsPerDay = 86400;
constexpr double kHalfLives_days[] = {1, 3, 7, 14, 30, 90, 365};
constexpr double kDefaultHalfLife_days = 7;
constexpr double kNewestShare = 0.1;
constexpr size_t kHitsAt[] = {100, 500};

// The time after which the newest share of the interactions happened. No
// interaction is later when there are no times or all are equal.
int64_t FindCut(const DataSet& data) {
  std::vector<int64_t> times_s;
  for (const Interaction& interaction : data.interactions) {
    if (interaction.weight > 0) times_s.push_back(interaction.time_s);
  }
  if (times_s.empty()) return 0;
  const auto place = static_cast<int64_t>((1 - kNewestShare) *
                                          static_cast<double>(times_s.size()));
  std::nth_element(times_s.begin(), times_s.begin() + place, times_s.end());
  return times_s[static_cast<size_t>(place)];
}

// How much of `later`, which is by item, the list's first items have.
double CountHits(const CountedList& list, const std::vector<double>& later) {
  double hits = 0;
  for (const size_t k : kHitsAt) {
    for (size_t i = 0; i < std::min(k, list.rows.size()); ++i) {
      hits += later[list.rows[i]];
    }
  }
  return hits;
}

}  // namespace

std::vector<double> TrendingScores(std::span<const Interaction> interactions,
                                   size_t n_items, int64_t now_s,
                                   double half_life_days) {
  std::vector<double> scores(n_items);
  std::vector<double> counts(n_items);
  double weight = 0;
  double count = 0;
  for (const Interaction& interaction : interactions) {
    if (interaction.weight <= 0 || interaction.time_s == 0 ||
        interaction.time_s > now_s) {
      continue;
    }
    const auto age_s = static_cast<double>(now_s - interaction.time_s);
    const double weighs = interaction.weight *
                          std::exp2(-age_s / kSecondsPerDay / half_life_days);
    scores[interaction.item] += weighs;
    counts[interaction.item] += interaction.weight;
    weight += weighs;
    count += interaction.weight;
  }
  for (size_t item = 0; item < n_items; ++item) {
    // Compared as it is stored: a score may round to 0.
    if (static_cast<float>(scores[item]) == 0) continue;
    scores[item] += kTrendingPrior * weight * counts[item] / count;
  }
  return scores;
}

double ChooseHalfLifeDays(const DataSet& data) {
  const int64_t cut_s = FindCut(data);
  std::vector<double> later(data.items.size());
  bool any = false;
  for (const Interaction& interaction : data.interactions) {
    if (interaction.weight <= 0 || interaction.time_s <= cut_s) continue;
    later[interaction.item] += interaction.weight;
    any = true;
  }
  double best = kDefaultHalfLife_days;
  double most = any ? -1 : HUGE_VAL;
  for (const double half_life_days : kHalfLives_days) {
    const double hits = CountHits(
        MakeCountedList(kTrendingList,
                        TrendingScores(data.interactions, data.items.size(),
                                       cut_s, half_life_days),
                        /*all=*/false),
        later);
    if (hits <= most) continue;
    most = hits;
    best = half_life_days;
  }
  return best;
}

}  // namespace tributary
