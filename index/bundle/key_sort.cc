#include "index/bundle/key_sort.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace tributary {
namespace {

constexpr int kDigitBits = 8;
constexpr size_t kDigits = 4;
// Up to here, counting digits costs more.
constexpr size_t kFewItems = 32;

size_t DigitOf(uint32_t key, size_t digit) {
  return key >> (digit * kDigitBits) & ((1U << kDigitBits) - 1);
}

void InsertionSort(std::span<KeyedPlace> items) {
  for (size_t i = 1; i < items.size(); ++i) {
    const KeyedPlace item = items[i];
    size_t at = i;
    for (; at > 0 && items[at - 1].key > item.key; --at) {
      items[at] = items[at - 1];
    }
    items[at] = item;
  }
}

}  // namespace

void SortByKey(std::span<KeyedPlace> items, std::vector<KeyedPlace>* scratch) {
  if (items.size() <= kFewItems) return InsertionSort(items);
  std::array<std::array<uint32_t, 1 << kDigitBits>, kDigits> counts{};
  for (const KeyedPlace& item : items) {
    for (size_t digit = 0; digit < kDigits; ++digit) {
      ++counts[digit][DigitOf(item.key, digit)];
    }
  }
  scratch->resize(std::max(scratch->size(), items.size()));
  KeyedPlace* from = items.data();
  KeyedPlace* to = scratch->data();
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

}  // namespace tributary
