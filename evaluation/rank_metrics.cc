#include "evaluation/rank_metrics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace tributary {
namespace {

bool IsTestItem(const TestUser& user, Row row) {
  return std::binary_search(user.items.begin(), user.items.end(), row);
}

double Discount(uint64_t rank) {
  return 1 / std::log2(1 + static_cast<double>(rank));
}

// ln (n choose k). Not std::lgamma, which writes a global.
double LogChoose(uint64_t n, uint64_t k) {
  const auto log_factorial = [](uint64_t value) {
    int sign = 0;
    return ::lgamma_r(static_cast<double>(value) + 1, &sign);
  };
  return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
}

// How likely it is that of `drawn` out of `all`, x are among the first `ahead`:
// the hypergeometric distribution for x below k.
std::vector<double> ProbabilitiesAhead(uint64_t all, uint64_t ahead,
                                       uint64_t drawn, uint32_t k) {
  std::vector<double> p(k);
  const uint64_t behind = all - ahead;
  uint64_t x = drawn > behind ? drawn - behind : 0;
  const uint64_t most = std::min(ahead, drawn);
  if (x >= k) return p;
  p[x] = std::exp(LogChoose(ahead, x) + LogChoose(behind, drawn - x) -
                  LogChoose(all, drawn));
  for (; x < most && x + 1 < k; ++x) {
    p[x + 1] = p[x] * static_cast<double>((ahead - x) * (drawn - x)) /
               static_cast<double>((x + 1) * (behind - drawn + x + 1));
  }
  return p;
}

// The expectation for one test item of the list, with `ahead` of `all` other
// items before it.
SampledMetrics Listed(uint64_t all, uint64_t ahead, uint64_t drawn,
                      uint32_t k) {
  SampledMetrics expected;
  const std::vector<double> p = ProbabilitiesAhead(all, ahead, drawn, k);
  for (uint64_t rank = 1; rank <= k; ++rank) {
    expected.hit += p[rank - 1];
    expected.ndcg += p[rank - 1] * Discount(rank);
  }
  return expected;
}

// The same for one that the list lacks: it comes anywhere among the drawn ones
// that the list lacks too.
SampledMetrics Unlisted(uint64_t all, uint64_t listed, uint64_t drawn,
                        uint32_t k) {
  SampledMetrics expected;
  const std::vector<double> p = ProbabilitiesAhead(all, listed, drawn, k);
  double of_rank = 0;
  for (uint64_t rank = 1; rank <= std::min<uint64_t>(k, drawn + 1); ++rank) {
    of_rank += p[rank - 1] / static_cast<double>(drawn - rank + 2);
    expected.hit += of_rank;
    expected.ndcg += of_rank * Discount(rank);
  }
  return expected;
}

}  // namespace

std::vector<RankMetrics> MetricsAt(const TestUser& user,
                                   std::span<const Row> list,
                                   std::span<const uint32_t> ks) {
  std::vector<RankMetrics> metrics;
  if (user.n_items == 0) {
    metrics.resize(ks.size());
    return metrics;
  }
  const auto n_items = static_cast<double>(user.n_items);
  double hits = 0, gain = 0, first = 0, precisions = 0, best_gain = 0;
  uint64_t rank = 0;
  for (const uint32_t k : ks) {
    for (; rank < k;) {
      const bool listed = rank < list.size();
      const bool hit = listed && IsTestItem(user, list[rank]);
      ++rank;
      if (rank <= user.n_items) best_gain += Discount(rank);
      if (!listed && rank > user.n_items) {
        rank = k;
        break;
      }
      if (!hit) continue;
      ++hits;
      gain += Discount(rank);
      precisions += hits / static_cast<double>(rank);
      if (first == 0) first = 1 / static_cast<double>(rank);
    }
    metrics.push_back({hits / n_items, hits > 0 ? 1.0 : 0.0, gain / best_gain,
                       first, precisions / std::min<double>(k, n_items)});
  }
  return metrics;
}

SampledMetrics MetricsAmongSampled(const TestUser& user,
                                   std::span<const Row> list, uint64_t n_items,
                                   uint64_t n_seen, uint32_t n, uint32_t k) {
  if (user.n_items == 0) return {};
  const uint64_t taken = n_seen + user.items.size();
  const uint64_t others = n_items > taken ? n_items - taken : 0;
  const uint64_t drawn = std::min<uint64_t>(n, others);
  SampledMetrics sum;
  const auto add = [&](const SampledMetrics& expected, double times) {
    sum.hit += times * expected.hit;
    sum.ndcg += times * expected.ndcg;
  };
  uint64_t ahead = 0;
  size_t found = 0;
  for (const Row row : list) {
    if (IsTestItem(user, row)) {
      ++found;
      add(Listed(others, ahead, drawn, k), 1);
    } else {
      ahead = std::min(ahead + 1, others);
    }
  }
  const auto missing = static_cast<double>(user.items.size() - found);
  if (missing > 0) add(Unlisted(others, ahead, drawn, k), missing);
  const auto all = static_cast<double>(user.n_items);
  return {sum.hit / all, sum.ndcg / all};
}

}  // namespace tributary
