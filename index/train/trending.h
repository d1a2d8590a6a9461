#ifndef TRIBUTARY_INDEX_TRAIN_TRENDING_H_
#define TRIBUTARY_INDEX_TRAIN_TRENDING_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/data/data_set.h"

namespace tributary {

// How much each item trends at the time `now_s`, in seconds. An interaction
// that is a seconds old and has the weight v weighs w = v * 2^(-a / half-life),
// and item i scores
//
//   sum of w over its interactions  +  kTrendingPrior * W * n_i / n
//
// if the first term is above 0, else 0. W is the sum of w over all
// interactions, n that of v and n_i the item's: the second term spreads a share
// of all the weight by all-time popularity, so that a few clicks on a new item
// do not outweigh a popular one. Interactions that are later than `now_s`,
// without a time, or not positive do not count.
std::vector<double> TrendingScores(std::span<const Interaction> interactions,
                                   size_t n_items, int64_t now_s,
                                   double half_life_days);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TRENDING_H_
