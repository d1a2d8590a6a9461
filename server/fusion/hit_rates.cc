#include "server/fusion/hit_rates.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace tributary {
namespace {

constexpr double kTieBreakingWeight = 1e-6;
// Keeps neighbours apart where two buckets have the same rate.
constexpr double kSlope = 1e-10;
constexpr double kLeastRate = 1e-12;

struct Point {
  double log_rank;  // of the rank from 1
  double log_rate;
};

std::vector<Point> BucketMiddles(const HitRates& rates) {
  std::vector<Point> points;
  double begin = 0;
  for (size_t i = 0; i < rates.bounds.size(); ++i) {
    const double end = rates.bounds[i];
    points.push_back({std::log((begin + end + 1) / 2),
                      std::log(std::max(rates.rates[i], kLeastRate))});
    begin = end;
  }
  return points;
}

}  // namespace

std::vector<double> GainsByRank(const HitRates& rates, double weight) {
  std::vector<double> gains;
  if (rates.bounds.empty()) return gains;
  const std::vector<Point> points = BucketMiddles(rates);
  const double factor = std::max(weight, kTieBreakingWeight);
  const uint32_t ranks = std::min(rates.bounds.back(), kMaxGainRanks);
  size_t next = 0;
  for (uint32_t rank = 0; rank < ranks; ++rank) {
    const double x = std::log(rank + 1.0);
    while (next < points.size() && points[next].log_rank < x) ++next;
    double log_rate = 0;
    if (next == 0 || next == points.size()) {
      log_rate = points[next == 0 ? 0 : next - 1].log_rate;
    } else {
      const Point& a = points[next - 1];
      const Point& b = points[next];
      const double share = (x - a.log_rank) / (b.log_rank - a.log_rank);
      log_rate = a.log_rate + share * (b.log_rate - a.log_rate);
    }
    gains.push_back(factor * std::max(std::exp(log_rate) - kSlope * rank, 0.0));
  }
  return gains;
}

}  // namespace tributary
