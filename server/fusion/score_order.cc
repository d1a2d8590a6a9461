#include "server/fusion/score_order.h"

namespace tributary {
namespace {

// The end of the run of equal keys that begins at `first`.
size_t EndOfRun(std::span<const KeyedId> items, size_t first) {
  size_t last = first + 1;
  while (last < items.size() && items[last].key == items[first].key) ++last;
  return last;
}

}  // namespace

std::span<const uint32_t> ScoreOrder::Sort(
    std::span<const CandidatePool::Entry> entries) {
  items_.resize(entries.size());
  for (uint32_t i = 0; i < entries.size(); ++i) {
    items_[i] = {DescendingKey(static_cast<float>(entries[i].score)), i};
  }
  SortByKey(items_, &scratch_);
  const uint32_t zero = DescendingKey(0);
  for (size_t first = 0, last; first < items_.size(); first = last) {
    last = EndOfRun(items_, first);
    if (last - first == 1) continue;
    const auto tie = std::span(items_).subspan(first, last - first);
    if (tie[0].key == zero) {
      SortZeros(entries, tie);
    } else {
      SortTie(entries, tie);
    }
  }
  order_.resize(items_.size());
  for (size_t i = 0; i < items_.size(); ++i) order_[i] = items_[i].id;
  return order_;
}

void ScoreOrder::SortZeros(std::span<const CandidatePool::Entry> entries,
                           std::span<KeyedId> items) {
  for (KeyedId& item : items) item.key = entries[item.id].unweighed_rank;
  SortByKey(items, &scratch_);
  for (size_t first = 0, last; first < items.size(); first = last) {
    last = EndOfRun(items, first);
    if (last - first == 1) continue;
    SortTie(entries, items.subspan(first, last - first));
  }
}

void ScoreOrder::SortTie(std::span<const CandidatePool::Entry> entries,
                         std::span<KeyedId> items) {
  for (KeyedId& item : items) item.key = entries[item.id].row;
  SortByKey(items, &scratch_);
}

}  // namespace tributary
