#ifndef TRIBUTARY_INDEX_BUNDLE_MAGNITUDE_H_
#define TRIBUTARY_INDEX_BUNDLE_MAGNITUDE_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "index/bundle/npy.h"

namespace tributary {

// The largest magnitude of a value in a bundle: of vectors, weights and scores.
// Models make nothing like it, and sums of products of such values with
// queries that are no longer than it are finite in float32.
inline constexpr float kMaxMagnitude = 1e15F;

// Whether a value is a finite number within +-kMaxMagnitude.
inline bool IsUsable(float value) {
  // Written so that NaN fails.
  return std::abs(value) <= kMaxMagnitude;
}
// Every finite float16 is.
inline bool IsUsable(Half value) { return IsFinite(value); }

// A value that is not usable, and why, as in "inf, expected a finite number
// within +-1e+15".
std::string DescribeUnusable(float value);

// The index of the first value that is not usable. About as fast as memory.
template <typename T>
std::optional<size_t> FindUnusable(std::span<const T> values) {
  constexpr size_t kBlock = 1024;
  for (size_t begin = 0; begin < values.size(); begin += kBlock) {
    const auto block =
        values.subspan(begin, std::min(kBlock, values.size() - begin));
    // Without branches, so that the compiler vectorises the loop.
    bool all = true;
    for (const T value : block) all &= IsUsable(value);
    if (all) continue;
    for (size_t i = 0; i < block.size(); ++i) {
      if (!IsUsable(block[i])) return begin + i;
    }
  }
  return std::nullopt;
}

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_MAGNITUDE_H_
