#include "server/retrieval/score_table.h"

#include <algorithm>
#include <bit>

namespace tributary {
namespace {

constexpr size_t kMinSlots = 1024;

}  // namespace

void ScoreTable::Clear(size_t max_rows) {
  used_.clear();
  ++use_;
  // At most half of the slots are in use, so that probing is short and ends.
  const size_t slots = std::bit_ceil(std::max(kMinSlots, 2 * max_rows));
  shift_ = 64 - std::countr_zero(slots);
  mask_ = slots - 1;
  if (slots <= slots_.size() && use_ != 0) return;
  slots_.assign(std::max(slots, slots_.size()), Slot{0, 0, 0});
  used_.reserve(slots_.size() / 2);
  use_ = 1;
}

void ScoreTable::Best(uint32_t n, std::vector<ScoredRow>* best) const {
  best->clear();
  for (const uint32_t position : used_) {
    const Slot& slot = slots_[position];
    if (slot.score > 0) best->push_back({slot.row, slot.score});
  }
  if (best->size() > n) {
    std::nth_element(best->begin(), best->begin() + n, best->end(), Better);
    best->resize(n);
  }
  std::sort(best->begin(), best->end(), Better);
}

}  // namespace tributary
