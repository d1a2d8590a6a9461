#ifndef TRIBUTARY_INDEX_BUNDLE_KEY_SORT_H_
#define TRIBUTARY_INDEX_BUNDLE_KEY_SORT_H_

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace tributary {

// A sort key, and the number that the caller gave to the item with this key.
struct KeyedId {
  uint32_t key;
  uint32_t id;
};

// Sorts by key, ascending and stably. A radix sort: it has no branches on keys,
// which no processor could predict. `scratch` grows to the number of items and
// may be reused by other calls. Not for concurrent use of one `scratch`.
void SortByKey(std::span<KeyedId> items, std::vector<KeyedId>* scratch);

// Maps a float to a key such that ascending keys are descending scores: the
// bits of the float, of which those below the sign are inverted for positive
// numbers. The two zeros have equal keys. REQUIRES: score is not NaN.
inline uint32_t DescendingKey(float score) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0f);
  return (bits >> 31) != 0 ? bits : ~(bits | 0x80000000U);
}

// The inverse of DescendingKey.
inline float ScoreOfKey(uint32_t key) {
  return std::bit_cast<float>((key >> 31) != 0 ? key : ~key & 0x7fffffffU);
}

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_KEY_SORT_H_
