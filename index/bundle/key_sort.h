#ifndef TRIBUTARY_INDEX_BUNDLE_KEY_SORT_H_
#define TRIBUTARY_INDEX_BUNDLE_KEY_SORT_H_

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace tributary {

// Something that is sorted, by its number, and what it is sorted by.
struct KeyedId {
  uint32_t key;
  uint32_t id;
};

// Sorts by key, ascending and stably: a radix sort, because comparisons of
// scores are branches that nothing predicts. `scratch` is reused from call to
// call.
void SortByKey(std::span<KeyedId> items, std::vector<KeyedId>* scratch);

// A key by which floats sort highest first. Zeros are equal; not for NaN.
inline uint32_t DescendingKey(float score) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0f);
  return (bits >> 31) != 0 ? bits : ~(bits | 0x80000000U);
}

// The float of a key.
inline float ScoreOfKey(uint32_t key) {
  return std::bit_cast<float>((key >> 31) != 0 ? key : ~key & 0x7fffffffU);
}

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_KEY_SORT_H_
