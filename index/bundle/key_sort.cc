#include "index/bundle/key_sort.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <utility>

namespace tributary {
namespace {

// The sort. With b = the bits in which keys differ (of key - least) and n
// items, it takes digits of d = min(log2 n, 11) bits. A counting sort by the
// two highest digits, the lower one first, orders the items by their top 2d of
// b bits. Mostly few of n items then agree in those bits without being equal,
// and an insertion sort finishes with few moves. If it needs too many, all bits
// are sorted by counting, 22 at a time from the lowest.
constexpr int kMaxDigitBits = 11;
using Counts = std::array<uint32_t, size_t{1} << kMaxDigitBits>;
// For at most this many items an insertion sort is faster than counting.
constexpr size_t kFewItems = 32;
// The moves per item after which the final insertion sort gives up.
constexpr size_t kMovesPerItem = 8;

// Returns false when it needs more than `most_moves` moves; the items are then
// in some order in which equal keys keep theirs.
bool InsertionSort(std::span<KeyedId> items, size_t most_moves) {
  size_t moves = 0;
  uint32_t highest = items.empty() ? 0 : items[0].key;
  for (size_t i = 1; i < items.size(); ++i) {
    const KeyedId item = items[i];
    // After the counting sort most items need no move, and no write.
    if (item.key >= highest) {
      highest = item.key;
      continue;
    }
    size_t at = i;
    for (; at > 0 && items[at - 1].key > item.key; --at) {
      items[at] = items[at - 1];
    }
    items[at] = item;
    moves += i - at;
    if (moves > most_moves) return false;
  }
  return true;
}

// Sorts by bits [shift, shift + 2 * digit_bits) of key - least.
void SortByTwoDigits(std::span<KeyedId> items, uint32_t least, int shift,
                     int digit_bits, KeyedId* scratch) {
  const uint32_t mask = (1U << digit_bits) - 1;
  const auto low_digit = [=](const KeyedId& item) {
    return (item.key - least) >> shift & mask;
  };
  const auto high_digit = [=](const KeyedId& item) {
    return (item.key - least) >> shift >> digit_bits & mask;
  };
  Counts low, high;
  std::fill_n(low.begin(), mask + 1, 0);
  std::fill_n(high.begin(), mask + 1, 0);
  for (const KeyedId& item : items) {
    ++low[low_digit(item)];
    ++high[high_digit(item)];
  }
  uint32_t low_begin = 0, high_begin = 0;
  for (uint32_t digit = 0; digit <= mask; ++digit) {
    low_begin += std::exchange(low[digit], low_begin);
    high_begin += std::exchange(high[digit], high_begin);
  }
  for (const KeyedId& item : items) scratch[low[low_digit(item)]++] = item;
  for (size_t i = 0; i < items.size(); ++i) {
    items[high[high_digit(scratch[i])]++] = scratch[i];
  }
}

}  // namespace

void SortByKey(std::span<KeyedId> items, std::vector<KeyedId>* scratch) {
  if (items.size() <= kFewItems) {
    InsertionSort(items, items.size() * items.size());
    return;
  }
  if (scratch->size() < items.size()) scratch->resize(items.size());
  uint32_t least = ~0U, most = 0;
  for (const KeyedId& item : items) {
    least = std::min(least, item.key);
    most = std::max(most, item.key);
  }
  const int bits = std::bit_width(most - least);
  const int digit_bits =
      std::min<int>(std::bit_width(items.size()) - 1, kMaxDigitBits);
  // The highest bits first; shift is what the two digits do not cover.
  const int shift = std::max(0, bits - 2 * digit_bits);
  SortByTwoDigits(items, least, shift, digit_bits, scratch->data());
  if (shift == 0 || InsertionSort(items, kMovesPerItem * items.size())) return;
  for (int at = 0; at < bits; at += 2 * kMaxDigitBits) {
    SortByTwoDigits(items, least, at, kMaxDigitBits, scratch->data());
  }
}

}  // namespace tributary
