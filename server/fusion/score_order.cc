#include "server/fusion/score_order.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace tributary {

std::span<const uint32_t> ScoreOrder::Sort(
    std::span<const CandidatePool::Entry> entries) {
  TakeKeys(entries);
  for (size_t digit = 0; digit < kDigits; ++digit) MoveByDigit(digit);
  BreakTies(entries);
  places_.clear();
  for (const Item& item : items_) places_.push_back(item.place);
  return places_;
}

void ScoreOrder::TakeKeys(std::span<const CandidatePool::Entry> entries) {
  items_.resize(entries.size());
  moved_.resize(entries.size());
  for (Counts& counts : counts_) counts.fill(0);
  for (uint32_t place = 0; place < entries.size(); ++place) {
    // Floats of 0 and above are in the order of their bits.
    const auto score = static_cast<float>(entries[place].score);
    const uint32_t key = ~std::bit_cast<uint32_t>(score);
    items_[place] = {key, place};
    for (size_t digit = 0; digit < kDigits; ++digit) {
      ++counts_[digit][key >> (digit * kDigitBits) & 0xff];
    }
  }
}

void ScoreOrder::MoveByDigit(size_t digit) {
  Counts& next = counts_[digit];
  uint32_t begin = 0;
  for (uint32_t& count : next) {
    // They have the digit in common.
    if (count == items_.size()) return;
    begin += std::exchange(count, begin);
  }
  for (const Item& item : items_) {
    moved_[next[item.key >> (digit * kDigitBits) & 0xff]++] = item;
  }
  items_.swap(moved_);
}

void ScoreOrder::BreakTies(std::span<const CandidatePool::Entry> entries) {
  const auto by_row = [&](const Item& a, const Item& b) {
    return entries[a.place].row < entries[b.place].row;
  };
  for (auto first = items_.begin(); first != items_.end();) {
    auto last = first + 1;
    while (last != items_.end() && last->key == first->key) ++last;
    if (last - first > 1) std::sort(first, last, by_row);
    first = last;
  }
}

}  // namespace tributary
