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

// Metrics of the first k items of a list, for one user with test items:
//   recall  test items among them / test items
//   hit     1 when any test item is among them, else 0
//   ndcg    sum of 1 / log2(1 + rank) over them, relative to the best possible:
//           min(k, test items) at the head of the list
//   mrr     1 / rank of the first test item, 0 when there is none
//   map     sum of the precision at each test item / min(k, test items)
// Ranks are from 1. Test items that the catalogue lacks count as missed.
inline constexpr std::array<std::string_view, 5> kRankMetrics = {
    "recall", "hit", "ndcg", "mrr", "map"};

// In the order of kRankMetrics.
using RankMetrics = std::array<double, kRankMetrics.size()>;

// The metrics at each k; all 0 for a user without test items. REQUIRES: ks
// ascending and above 0.
std::vector<RankMetrics> MetricsAt(const TestUser& user,
                                   std::span<const Row> list,
                                   std::span<const uint32_t> ks);

// Sampled metrics: each test item is ranked among `n` items drawn uniformly
// from those that are neither seen nor test items (from all of them if they are
// fewer). This is the exact expectation over the draw, averaged over the user's
// test items. Items outside the list rank after those in it, in random order.
// Sampled metrics are easier than those of the whole catalogue and can order
// two recommenders the other way (Krichene and Rendle 2020): use them only to
// compare with papers.
struct SampledMetrics {
  // The probability that the test item is among the first k.
  double hit = 0;
  // The expectation of 1 / log2(1 + rank), counting 0 beyond the first k.
  double ndcg = 0;
};
// `n_seen`: how many items the user has seen. 0 for a user without test items.
// REQUIRES: list and seen items are disjoint.
SampledMetrics MetricsAmongSampled(const TestUser& user,
                                   std::span<const Row> list, uint64_t n_items,
                                   uint64_t n_seen, uint32_t n, uint32_t k);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_RANK_METRICS_H_
