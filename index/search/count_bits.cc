#include "index/search/count_bits.h"

#include <bit>
#include <cstddef>

// Also compiles for AVX3_DL, which counts the bits of vectors.
#define HWY_WANT_AVX3_DL 1
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/search/count_bits.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tributary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

uint64_t Count(const uint64_t* HWY_RESTRICT words, size_t size) {
  size_t i = 0;
  uint64_t count = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<uint64_t> d;
  const size_t lanes = hn::Lanes(d);
  auto a = hn::Zero(d), b = a;
  for (; i + 2 * lanes <= size; i += 2 * lanes) {
    a = hn::Add(a, hn::PopulationCount(hn::LoadU(d, words + i)));
    b = hn::Add(b, hn::PopulationCount(hn::LoadU(d, words + i + lanes)));
  }
  count = hn::GetLane(hn::SumOfLanes(d, hn::Add(a, b)));
#endif
  for (; i < size; ++i) count += static_cast<uint64_t>(std::popcount(words[i]));
  return count;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tributary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tributary {
namespace {

HWY_EXPORT(Count);

}  // namespace

uint64_t CountBits(std::span<const uint64_t> words) {
  return HWY_DYNAMIC_DISPATCH(Count)(words.data(), words.size());
}

}  // namespace tributary
#endif  // HWY_ONCE
