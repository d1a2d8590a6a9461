#include "index/search/gather_bits.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/search/gather_bits.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tributary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kBits = 64;

// The bits of 64 positions. `words` has the bitmap by 32 bits.
HWY_INLINE uint64_t GatherWord(const int32_t* HWY_RESTRICT words, uint32_t bits,
                               const uint32_t* HWY_RESTRICT positions) {
  const hn::CappedTag<uint32_t, kBits> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto one = hn::Set(d, 1U);
  const auto size = hn::Set(d, bits);
  uint64_t gathered = 0;
  for (size_t i = 0; i < kBits; i += hn::Lanes(d)) {
    const auto position = hn::LoadU(d, positions + i);
    const auto inside = hn::Lt(position, size);
    // What lies beyond reads the first word, and is dropped.
    const auto safe = hn::IfThenElseZero(inside, position);
    const auto word = hn::BitCast(
        d,
        hn::GatherIndex(di, words, hn::BitCast(di, hn::ShiftRight<5>(safe))));
    const auto bit = hn::Shr(word, hn::And(safe, hn::Set(d, 31U)));
    const auto set = hn::And(inside, hn::Eq(hn::And(bit, one), one));
    // StoreMaskBits may write beyond a mask's bytes.
    uint8_t bytes[16] = {};
    hn::StoreMaskBits(d, set, bytes);
    uint64_t mask;
    std::memcpy(&mask, bytes, sizeof(mask));
    gathered |= mask << i;
  }
  return gathered;
}

void GatherAll(const uint64_t* from, uint32_t bits, const uint32_t* positions,
               uint64_t* to, size_t words) {
  const auto* halves = reinterpret_cast<const int32_t*>(from);
  for (size_t i = 0; i < words; ++i) {
    to[i] = GatherWord(halves, bits, positions + i * kBits);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tributary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tributary {
namespace {

HWY_EXPORT(GatherAll);

// Bitmaps of 64 bits are read by 32.
static_assert(std::endian::native == std::endian::little);

}  // namespace

void GatherBits(std::span<const uint64_t> from,
                std::span<const uint32_t> positions, std::span<uint64_t> to) {
  HWY_DYNAMIC_DISPATCH(GatherAll)
  (from.data(),
   static_cast<uint32_t>(std::min<uint64_t>(from.size() * 64, UINT32_MAX)),
   positions.data(), to.data(), to.size());
}

}  // namespace tributary
#endif  // HWY_ONCE
