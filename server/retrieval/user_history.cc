#include "server/retrieval/user_history.h"

#include <algorithm>
#include <cstddef>

namespace tributary {
namespace {

// Calls visit(item, i) for each item of `stored` followed by `recent`, from the
// newest to the oldest, once each, until it returns false: i is the item's
// index in `recent`, or recent.size() for an item of `stored`.
template <typename Visit>
void VisitFromNewest(std::span<const Row> stored, std::span<const Row> recent,
                     const Visit& visit) {
  thread_local std::vector<Row> sorted;
  thread_local std::vector<bool> taken;
  sorted.assign(recent.begin(), recent.end());
  std::sort(sorted.begin(), sorted.end());
  taken.assign(sorted.size(), false);
  for (size_t i = recent.size(); i > 0; --i) {
    const auto position = static_cast<size_t>(
        std::lower_bound(sorted.begin(), sorted.end(), recent[i - 1]) -
        sorted.begin());
    if (taken[position]) continue;
    taken[position] = true;
    if (!visit(recent[i - 1], i - 1)) return;
  }
  for (size_t i = stored.size(); i > 0; --i) {
    if (std::binary_search(sorted.begin(), sorted.end(), stored[i - 1])) {
      continue;
    }
    if (!visit(stored[i - 1], recent.size())) return;
  }
}

}  // namespace

void JoinHistories(std::span<const Row> stored, std::span<const Row> recent,
                   uint32_t max_items, std::vector<Row>* history) {
  JoinCounting(stored, recent, {}, max_items, history);
}

void JoinCounting(std::span<const Row> stored, std::span<const Row> recent,
                  std::span<const float> weights, uint32_t max_items,
                  std::vector<Row>* history) {
  history->clear();
  VisitFromNewest(stored, recent, [&](Row item, size_t i) {
    if (history->size() == max_items) return false;
    if (i >= weights.size() || weights[i] > 0) history->push_back(item);
    return true;
  });
  std::reverse(history->begin(), history->end());
}

void JoinWeighted(std::span<const Row> stored, const RetrieverQuery& query,
                  uint32_t max_items, std::vector<Row>* history,
                  std::vector<float>* weights) {
  weights->clear();
  if (query.history_weights.empty() && query.liked.empty()) {
    return JoinHistories(stored, query.history, max_items, history);
  }
  thread_local std::vector<Row> recent;
  recent.assign(query.history.begin(), query.history.end());
  for (const WeightedRow& item : query.liked) recent.push_back(item.row);
  const auto weight_of = [&query](size_t i) {
    const size_t likes = query.history.size();
    if (i >= likes + query.liked.size()) return 1.0F;
    if (i >= likes) return query.liked[i - likes].weight;
    return query.history_weights.empty() ? 1.0F : query.history_weights[i];
  };
  history->clear();
  VisitFromNewest(stored, recent, [&](Row item, size_t i) {
    if (history->size() == max_items) return false;
    history->push_back(item);
    weights->push_back(weight_of(i));
    return true;
  });
  std::reverse(history->begin(), history->end());
  std::reverse(weights->begin(), weights->end());
}

}  // namespace tributary
