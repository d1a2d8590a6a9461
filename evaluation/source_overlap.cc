#include "evaluation/source_overlap.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace tributary {
namespace {

// Calls body with the index of each bit that is set.
template <typename Body>
void ForEachBit(uint32_t bits, const Body& body) {
  for (; bits != 0; bits &= bits - 1) {
    body(static_cast<size_t>(std::countr_zero(bits)));
  }
}

}  // namespace

void SourceOverlap::Add(const TestUser& user,
                        std::span<const std::span<const Row>> lists) {
  static thread_local std::vector<std::pair<Row, uint32_t>> proposals;
  // Counted here first, so that threads contend once per user.
  static thread_local std::vector<uint64_t> counted;
  proposals.clear();
  for (size_t s = 0; s < n_; ++s) {
    for (const Row row : lists[s]) proposals.push_back({row, uint32_t{1} << s});
  }
  std::sort(proposals.begin(), proposals.end());
  counted.assign(counts_.size(), 0);
  for (size_t i = 0; i < proposals.size();) {
    const Row row = proposals[i].first;
    uint32_t sources = 0;
    for (; i < proposals.size() && proposals[i].first == row; ++i) {
      sources |= proposals[i].second;
    }
    ForEachBit(sources, [&](size_t s) {
      ForEachBit(sources, [&](size_t t) { ++counted[s * n_ + t]; });
    });
    if (!std::binary_search(user.items.begin(), user.items.end(), row)) {
      continue;
    }
    ForEachBit(sources, [&](size_t s) {
      ++counted[HitsOf(s)];
      if (std::has_single_bit(sources)) ++counted[UniqueHitsOf(s)];
    });
  }
  for (size_t i = 0; i < counted.size(); ++i) {
    counts_[i].fetch_add(counted[i], std::memory_order_relaxed);
  }
}

double SourceOverlap::Jaccard(size_t s, size_t t) const {
  const auto count = [&](size_t a, size_t b) {
    return static_cast<double>(counts_[a * n_ + b].load());
  };
  const double both = count(s, t);
  const double either = count(s, s) + count(t, t) - both;
  return either > 0 ? both / either : 0;
}

}  // namespace tributary
