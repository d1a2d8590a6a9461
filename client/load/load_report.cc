#include "client/load/load_report.h"

#include <algorithm>
#include <numeric>

namespace tributary {

uint64_t LoadReport::failed() const {
  return std::accumulate(errors.begin(), errors.end(), uint64_t{0});
}

void LoadReport::Append(const LoadReport& next) {
  const double both_s = wall_s + next.wall_s;
  Merge(next);
  wall_s = both_s;
}

void LoadReport::Merge(const LoadReport& other) {
  answered += other.answered;
  candidates += other.candidates;
  degraded += other.degraded;
  reduced += other.reduced;
  short_replies += other.short_replies;
  cold_starts += other.cold_starts;
  sources_us += other.sources_us;
  for (size_t i = 0; i < errors.size(); ++i) errors[i] += other.errors[i];
  unsent += other.unsent;
  latency.Merge(other.latency);
  lag.Merge(other.lag);
  wall_s = std::max(wall_s, other.wall_s);
  generator_busy = std::max(generator_busy, other.generator_busy);
}

}  // namespace tributary
