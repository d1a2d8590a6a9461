#include "index/filter/code_kernel.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/filter/code_kernel.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tributary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kItems = 64;
constexpr size_t kMaxBytes = 4;

// Which of 64 bytes are above a limit, and which are equal to it.
struct Compared {
  uint64_t above;
  uint64_t equal;
};

template <class D>
HWY_INLINE uint64_t MaskBits(D d, hn::Mask<D> mask) {
  // StoreMaskBits may write beyond a mask's bytes.
  uint8_t bytes[16] = {};
  hn::StoreMaskBits(d, mask, bytes);
  uint64_t bits;
  std::memcpy(&bits, bytes, sizeof(bits));
  return bits;
}

HWY_INLINE Compared Compare(const uint8_t* HWY_RESTRICT bytes, uint8_t limit) {
  const hn::CappedTag<uint8_t, kItems> d;
  const auto limits = hn::Set(d, limit);
  Compared compared{0, 0};
  for (size_t i = 0; i < kItems; i += hn::Lanes(d)) {
    const auto values = hn::LoadU(d, bytes + i);
    // There is no comparison of unsigned bytes on some targets.
    const auto least = hn::Min(values, limits);
    const auto equal = hn::Eq(values, limits);
    const auto at_most = hn::Eq(values, least);
    compared.above |= MaskBits(d, hn::Not(at_most)) << i;
    compared.equal |= MaskBits(d, equal) << i;
  }
  return compared;
}

// Where the bytes of 64 items begin, most significant first.
using Planes = std::array<const uint8_t*, kMaxBytes>;

// Which of 64 codes are at least `code`.
HWY_INLINE uint64_t AtLeast(const Planes& planes, size_t bytes, uint32_t code) {
  uint64_t above = 0;
  uint64_t undecided = ~uint64_t{0};
  for (size_t b = 0; b < bytes && undecided != 0; ++b) {
    const auto limit = static_cast<uint8_t>(code >> (8 * (bytes - 1 - b)));
    const Compared compared = Compare(planes[b], limit);
    above |= undecided & compared.above;
    undecided &= compared.equal;
  }
  return above | undecided;
}

HWY_INLINE uint64_t Within(const Planes& planes, size_t bytes,
                           CodeRange range) {
  uint64_t within = ~AtLeast(planes, bytes, range.end);
  if (range.begin > 0) within &= AtLeast(planes, bytes, range.begin);
  return within;
}

void MarkAll(const AttributeColumn& column, CodeRange range, uint64_t* words) {
  const size_t bytes = column.code_bytes();
  const uint64_t items = column.n_items();
  Planes planes{};
  for (uint32_t b = 0; b < bytes; ++b) planes[b] = column.CodeByte(b).data();
  uint64_t at = 0;
  for (; at + kItems <= items; at += kItems) {
    words[at / kItems] |= Within(planes, bytes, range);
    for (size_t b = 0; b < bytes; ++b) planes[b] += kItems;
  }
  if (at == items) return;
  // The last ones are copied, because a whole vector would end beyond them.
  std::array<std::array<uint8_t, kItems>, kMaxBytes> rest{};
  for (size_t b = 0; b < bytes; ++b) {
    std::copy_n(planes[b], items - at, rest[b].begin());
    planes[b] = rest[b].data();
  }
  words[at / kItems] |=
      Within(planes, bytes, range) & ((uint64_t{1} << (items - at)) - 1);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tributary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tributary {
namespace {

HWY_EXPORT(MarkAll);

}  // namespace

void MarkCodes(const AttributeColumn& column, CodeRange range,
               std::span<uint64_t> words) {
  if (range.begin == range.end) return;
  HWY_DYNAMIC_DISPATCH(MarkAll)(column, range, words.data());
}

}  // namespace tributary
#endif  // HWY_ONCE
