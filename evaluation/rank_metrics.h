#ifndef TRIBUTARY_EVALUATION_RANK_METRICS_H_
#define TRIBUTARY_EVALUATION_RANK_METRICS_H_

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "evaluation/held_out_users.h"
#include "index/bundle/row.h"

namespace tributary {

// Of the first k of a list, for one user with a set of test items:
//   recall  test items among them / test items
//   hit     1 when there is any
//   ndcg    sum of 1 / log2(1 + rank) over them, relative to the best possible:
//           min(k, test items) at the head of the list
//   mrr     1 / rank of the first, 0 when there is none
//   map     sum of the precision at each, / min(k, test items)
// Ranks are from 1. Test items that the catalogue lacks count as missed.
inline constexpr std::array<std::string_view, 5> kRankMetrics = {
    "recall", "hit", "ndcg", "mrr", "map"};

// In the order of kRankMetrics.
using RankMetrics = std::array<double, kRankMetrics.size()>;

// One for each k. REQUIRES: ks ascending; user.n_items > 0.
std::vector<RankMetrics> MetricsAt(const TestUser& user,
                                   std::span<const Row> list,
                                   std::span<const uint32_t> ks);

// What is expected when each test item is ranked among `n` items drawn
// uniformly from those that are neither seen nor of the test (all of them if
// they are fewer), averaged over the user's test items: the exact expectation
// over the draw. Items that the list does not hold come after all that it
// holds, in random order. Such figures are easier than those of the whole
// catalogue, and can order two recommenders the other way (Krichene and Rendle
// 2020): for comparison with papers only.
struct SampledMetrics {
  // The test item is among the first k.
  double hit = 0;
  // 1 / log2(1 + rank) if it is among the first k, else 0.
  double ndcg = 0;
};
// `n_seen`: how many items the user has seen. REQUIRES: as MetricsAt; list and
// seen items are disjoint.
SampledMetrics MetricsAmongSampled(const TestUser& user,
                                   std::span<const Row> list, uint64_t n_items,
                                   uint64_t n_seen, uint32_t n, uint32_t k);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_RANK_METRICS_H_
