#ifndef TRIBUTARY_INDEX_BUNDLE_ROW_SET_H_
#define TRIBUTARY_INDEX_BUNDLE_ROW_SET_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/bundle/row.h"

namespace tributary {

// A set of rows (or positions) below `size`, as a bitmap: bit i % 64 of word
// i / 64. Bits from `size` on are 0. Not thread-safe while it is changed.
class RowSet {
 public:
  RowSet() = default;
  // An empty set.
  explicit RowSet(uint64_t size) : size_(size), words_(Words(size)) {}

  static size_t Words(uint64_t size) {
    return static_cast<size_t>((size + 63) / 64);
  }

  uint64_t size() const { return size_; }
  std::span<const uint64_t> words() const { return words_; }
  // REQUIRES: the bits from size() on stay 0.
  std::span<uint64_t> mutable_words() { return words_; }

  // REQUIRES: row < size().
  bool Has(Row row) const { return (words_[row / 64] >> (row % 64) & 1) != 0; }
  void Add(Row row) { words_[row / 64] |= uint64_t{1} << (row % 64); }
  void Remove(Row row) { words_[row / 64] &= ~(uint64_t{1} << (row % 64)); }

  // Replaces the set by its complement.
  void Complement() {
    for (uint64_t& word : words_) word = ~word;
    if (size_ % 64 != 0) words_.back() &= (uint64_t{1} << (size_ % 64)) - 1;
  }
  // How many rows are in it. O(size() / 64).
  uint64_t Count() const {
    uint64_t count = 0;
    for (const uint64_t word : words_) {
      count += static_cast<uint64_t>(std::popcount(word));
    }
    return count;
  }

  friend bool operator==(const RowSet&, const RowSet&) = default;

 private:
  uint64_t size_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_ROW_SET_H_
