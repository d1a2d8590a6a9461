#include "server/fusion/score_order.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace tributary {
namespace {

constexpr int kDigitBits = 8;
constexpr size_t kDigits = 4;
// Up to here, comparing is faster.
constexpr size_t kFewItems = 64;

size_t DigitOf(uint32_t key, size_t digit) {
  return key >> (digit * kDigitBits) & ((1U << kDigitBits) - 1);
}

}  // namespace

std::span<const uint32_t> ScoreOrder::Sort(
    std::span<const CandidatePool::Entry> entries) {
  items_.resize(entries.size());
  for (uint32_t place = 0; place < entries.size(); ++place) {
    // Floats of 0 and above are in the order of their bits.
    const auto score = static_cast<float>(entries[place].score);
    items_[place] = {~std::bit_cast<uint32_t>(score), place};
  }
  if (!items_.empty()) SortByKey(items_);
  for (size_t first = 0; first < items_.size();) {
    size_t last = first + 1;
    const uint32_t key = items_[first].key;
    while (last < items_.size() && items_[last].key == key) ++last;
    if (last - first > 1) {
      SortTie(entries, std::span(items_).subspan(first, last - first));
    }
    first = last;
  }
  places_.clear();
  for (const Item& item : items_) places_.push_back(item.place);
  return places_;
}

void ScoreOrder::SortByKey(std::span<Item> items) {
  std::array<std::array<uint32_t, 1 << kDigitBits>, kDigits> counts{};
  for (const Item& item : items) {
    for (size_t digit = 0; digit < kDigits; ++digit) {
      ++counts[digit][DigitOf(item.key, digit)];
    }
  }
  moved_.resize(std::max(moved_.size(), items.size()));
  Item* from = items.data();
  Item* to = moved_.data();
  for (size_t digit = 0; digit < kDigits; ++digit) {
    auto& next = counts[digit];
    // They have the digit in common.
    if (next[DigitOf(from[0].key, digit)] == items.size()) continue;
    uint32_t begin = 0;
    for (uint32_t& count : next) begin += std::exchange(count, begin);
    for (size_t i = 0; i < items.size(); ++i) {
      to[next[DigitOf(from[i].key, digit)]++] = from[i];
    }
    std::swap(from, to);
  }
  if (from != items.data()) std::copy_n(from, items.size(), items.data());
}

void ScoreOrder::SortTie(std::span<const CandidatePool::Entry> entries,
                         std::span<Item> items) {
  for (Item& item : items) item.key = entries[item.place].row;
  if (items.size() > kFewItems) {
    SortByKey(items);
    return;
  }
  std::sort(items.begin(), items.end(),
            [](const Item& a, const Item& b) { return a.key < b.key; });
}

}  // namespace tributary
