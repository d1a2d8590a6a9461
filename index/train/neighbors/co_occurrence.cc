#include "index/train/neighbors/co_occurrence.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "index/parallel/parallel_for.h"

namespace tributary {
namespace {

constexpr uint64_t kItemsPerPiece = 64;

}  // namespace

CoOccurrence::CoOccurrence(const Histories& histories,
                           const ItemOccurrences& occurrences,
                           PairWeights weights)
    : histories_(histories),
      occurrences_(occurrences),
      weights_(std::move(weights)) {
  size_t longest = 0;
  for (Row user = 0; user < histories.n_users(); ++user) {
    longest = std::max(longest, histories.Of(user).size());
  }
  for (size_t distance = 0; distance <= longest; ++distance) {
    by_distance_.push_back(static_cast<float>(
        std::pow(std::max<double>(1, static_cast<double>(distance)),
                 -weights_.distance_decay)));
  }
  for (const float weight : histories.weights) {
    roots_.push_back(std::sqrt(weight));
  }
}

template <bool kWeighted>
void CoOccurrence::MakeRow(Row item, std::vector<float>* sums,
                           std::vector<ScoredRow>* row) const {
  row->clear();
  const uint64_t reach = weights_.max_distance;
  for (const auto& [user, position] : occurrences_.Of(item)) {
    const auto items = histories_.Of(user);
    const int64_t* const times_s =
        &histories_.times_s[histories_.offsets[user]];
    const float of_user = weights_.users.empty() ? 1 : weights_.users[user];
    if (of_user == 0) continue;
    const float* const roots =
        kWeighted ? &roots_[histories_.offsets[user]] : nullptr;
    const uint64_t first = position - std::min<uint64_t>(position, reach);
    const uint64_t last =
        position + std::min<uint64_t>(items.size() - 1 - position, reach);
    for (uint64_t i = first; i <= last; ++i) {
      const bool after = i > position;
      const float weight = after ? weights_.after : weights_.before;
      if (i == position || weight == 0 ||
          std::abs(times_s[i] - times_s[position]) > weights_.max_gap_s) {
        continue;
      }
      float& sum = (*sums)[items[i]];
      if (sum == 0) row->push_back({items[i], 0});
      float of_pair =
          of_user * weight * by_distance_[after ? i - position : position - i];
      if constexpr (kWeighted) of_pair *= roots[position] * roots[i];
      sum += of_pair;
    }
  }
  for (ScoredRow& entry : *row) {
    entry.score = std::exchange((*sums)[entry.row], 0.0F);
  }
}

void CoOccurrence::ForEachRow(
    uint32_t threads,
    const std::function<void(Row, std::vector<ScoredRow>*)>& use) const {
  const uint64_t n_items = occurrences_.offsets.size() - 1;
  ParallelFor(n_items, kItemsPerPiece, threads,
              [&](uint64_t begin, uint64_t end) {
                // One per thread: clearing it for every piece would take time
                // in proportion to pieces * items.
                thread_local std::vector<float> sums;
                if (sums.size() < n_items) sums.resize(n_items);
                std::vector<ScoredRow> row;
                for (auto item = static_cast<Row>(begin); item < end; ++item) {
                  if (roots_.empty()) {
                    MakeRow<false>(item, &sums, &row);
                  } else {
                    MakeRow<true>(item, &sums, &row);
                  }
                  if (!row.empty()) use(item, &row);
                }
              });
}

}  // namespace tributary
