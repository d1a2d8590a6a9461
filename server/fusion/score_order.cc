#include "server/fusion/score_order.h"

namespace tributary {

std::span<const uint32_t> ScoreOrder::Sort(
    std::span<const CandidatePool::Entry> entries) {
  items_.resize(entries.size());
  for (uint32_t i = 0; i < entries.size(); ++i) {
    items_[i] = {DescendingKey(static_cast<float>(entries[i].score)), i};
  }
  SortByKey(items_, &scratch_);
  for (size_t first = 0; first < items_.size();) {
    size_t last = first + 1;
    const uint32_t key = items_[first].key;
    while (last < items_.size() && items_[last].key == key) ++last;
    if (last - first > 1) {
      SortTie(entries, std::span(items_).subspan(first, last - first));
    }
    first = last;
  }
  order_.resize(items_.size());
  for (size_t i = 0; i < items_.size(); ++i) order_[i] = items_[i].id;
  return order_;
}

void ScoreOrder::SortTie(std::span<const CandidatePool::Entry> entries,
                         std::span<KeyedId> items) {
  for (KeyedId& item : items) item.key = entries[item.id].row;
  SortByKey(items, &scratch_);
  if (static_cast<float>(entries[items[0].id].score) != 0) return;
  for (KeyedId& item : items) item.key = entries[item.id].unweighed_rank;
  SortByKey(items, &scratch_);
}

}  // namespace tributary
