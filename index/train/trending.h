#ifndef TRIBUTARY_INDEX_TRAIN_TRENDING_H_
#define TRIBUTARY_INDEX_TRAIN_TRENDING_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/data/data_set.h"

namespace tributary {

// How much items trend at a time, by item: see CountPopularity. Interactions of
// later than `now_s`, without a time, or of value 0 or less do not count.
std::vector<double> TrendingScores(std::span<const Interaction> interactions,
                                   size_t n_items, int64_t now_s,
                                   double half_life_days);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TRENDING_H_
