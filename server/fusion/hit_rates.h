#ifndef TRIBUTARY_SERVER_FUSION_HIT_RATES_H_
#define TRIBUTARY_SERVER_FUSION_HIT_RATES_H_

#include <cstdint>
#include <span>
#include <vector>

namespace tributary {

// How likely a proposal is to be a hit, by rank from 0: rates[i] was measured
// over ranks in [bounds[i-1], bounds[i]); not increasing. Of equal sizes.
struct HitRates {
  std::span<const uint32_t> bounds;
  std::span<const double> rates;
};

// Ranks that a table of gains covers at most.
inline constexpr uint32_t kMaxGainRanks = 4096;

// The gain of each rank, `weight` times its hit rate, interpolated between the
// middles of the buckets on logarithmic axes so that it falls strictly from
// rank to rank. Empty when `rates` is. A weight of 0 gives gains so small that
// they break ties only.
std::vector<double> GainsByRank(const HitRates& rates, double weight);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_HIT_RATES_H_
