#include "index/filter/code_kernel.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/filter/code_kernel.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tributary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kItems = 64;
constexpr size_t kMaxBytes = 4;
// Codes are prefetched this many items ahead.
constexpr size_t kAhead = 2048;

// Which of 64 bytes are above a limit, and which are equal to it.
struct Compared {
  uint64_t above;
  uint64_t equal;
};

#if HWY_TARGET > HWY_AVX3

template <class D>
HWY_INLINE uint64_t MaskBits(D d, hn::Mask<D> mask) {
  // StoreMaskBits may write beyond a mask's bytes.
  uint8_t bytes[16] = {};
  hn::StoreMaskBits(d, mask, bytes);
  uint64_t bits;
  std::memcpy(&bits, bytes, sizeof(bits));
  return bits;
}

#endif

HWY_INLINE Compared Compare(const uint8_t* HWY_RESTRICT bytes, uint8_t limit) {
  const hn::CappedTag<uint8_t, kItems> d;
  const auto limits = hn::Set(d, limit);
  Compared compared{0, 0};
  for (size_t i = 0; i < kItems; i += hn::Lanes(d)) {
    const auto values = hn::LoadU(d, bytes + i);
#if HWY_TARGET <= HWY_AVX3
    compared.above = _mm512_cmpgt_epu8_mask(values.raw, limits.raw);
    compared.equal = _mm512_cmpeq_epu8_mask(values.raw, limits.raw);
#else
    // There is no comparison of unsigned bytes on some targets.
    const auto least = hn::Min(values, limits);
    const auto equal = hn::Eq(values, limits);
    const auto at_most = hn::Eq(values, least);
    compared.above |= MaskBits(d, hn::Not(at_most)) << i;
    compared.equal |= MaskBits(d, equal) << i;
#endif
  }
  return compared;
}

// Where the bytes of 64 items begin, most significant first.
using Planes = std::array<const uint8_t*, kMaxBytes>;

// The bytes of a code, most significant first.
using Limits = std::array<uint8_t, kMaxBytes>;

// Which of those of 64 codes that are asked for are at least a limit; other
// bits may be anything. Whether one byte decides about all of them is anybody's
// guess, and a wrong one takes longer than comparing another byte: kFirst bytes
// are compared in any case. Two mostly suffice.
template <size_t kFirst>
HWY_INLINE uint64_t AtLeast(const Planes& planes, size_t at, size_t bytes,
                            const Limits& limits, uint64_t asked) {
  const Compared first = Compare(planes[0] + at, limits[0]);
  uint64_t above = first.above;
  uint64_t undecided = first.equal;
  if constexpr (kFirst == 2) {
    const Compared second = Compare(planes[1] + at, limits[1]);
    above |= undecided & second.above;
    undecided &= second.equal;
    for (size_t b = 2; b < bytes && (undecided & asked) != 0; ++b) {
      const Compared compared = Compare(planes[b] + at, limits[b]);
      above |= undecided & compared.above;
      undecided &= compared.equal;
    }
  }
  return above | undecided;
}

// A range of codes of so many bytes.
struct Range {
  Range(CodeRange range, size_t bytes) : from_first(range.begin == 0) {
    for (size_t b = 0; b < bytes; ++b) {
      const size_t shift = 8 * (bytes - 1 - b);
      begin[b] = static_cast<uint8_t>(range.begin >> shift);
      end[b] = static_cast<uint8_t>(range.end >> shift);
    }
  }
  const bool from_first;
  Limits begin{}, end{};
};

template <size_t kFirst>
HWY_INLINE uint64_t Within(const Planes& planes, size_t at, size_t bytes,
                           const Range& range, uint64_t asked) {
  const uint64_t below =
      asked & ~AtLeast<kFirst>(planes, at, bytes, range.end, asked);
  if (range.from_first) return below;
  return below & AtLeast<kFirst>(planes, at, bytes, range.begin, asked);
}

// kMark adds those in the range to `passing`, and looks at the others; kKeep
// and kDrop look at what passes, and remove those that are not, or that are,
// in the range.
template <CodeAction kAction, size_t kFirst>
HWY_INLINE uint64_t Apply(const Planes& planes, size_t at, size_t bytes,
                          const Range& range, uint64_t passing) {
  const uint64_t asked = kAction == CodeAction::kMark ? ~passing : passing;
  if (asked == 0) return passing;
  const uint64_t within = Within<kFirst>(planes, at, bytes, range, asked);
  if (kAction == CodeAction::kMark) return passing | within;
  return kAction == CodeAction::kKeep ? within : passing & ~within;
}

template <CodeAction kAction, size_t kFirst>
void ApplyToAll(const AttributeColumn& column, CodeRange codes,
                uint64_t* words) {
  const size_t bytes = column.code_bytes();
  const Range range(codes, bytes);
  const uint64_t items = column.n_items();
  Planes planes{};
  for (uint32_t b = 0; b < bytes; ++b) planes[b] = column.CodeByte(b).data();
  uint64_t at = 0;
  for (; at + kItems <= items; at += kItems) {
    hwy::Prefetch(planes[0] + at + kAhead);
    if constexpr (kFirst == 2) hwy::Prefetch(planes[1] + at + kAhead);
    words[at / kItems] =
        Apply<kAction, kFirst>(planes, at, bytes, range, words[at / kItems]);
  }
  if (at == items) return;
  // The last ones are copied, because a whole vector would end beyond them.
  std::array<std::array<uint8_t, kItems>, kMaxBytes> rest{};
  for (size_t b = 0; b < bytes; ++b) {
    std::copy_n(planes[b] + at, items - at, rest[b].begin());
    planes[b] = rest[b].data();
  }
  words[at / kItems] =
      Apply<kAction, kFirst>(planes, 0, bytes, range, words[at / kItems]) &
      ((uint64_t{1} << (items - at)) - 1);
}

template <CodeAction kAction>
void ApplyOf(const AttributeColumn& column, CodeRange range, uint64_t* words) {
  if (column.code_bytes() == 1) {
    return ApplyToAll<kAction, 1>(column, range, words);
  }
  return ApplyToAll<kAction, 2>(column, range, words);
}

void ApplyAction(CodeAction action, const AttributeColumn& column,
                 CodeRange range, uint64_t* words) {
  switch (action) {
    case CodeAction::kMark:
      return ApplyOf<CodeAction::kMark>(column, range, words);
    case CodeAction::kKeep:
      return ApplyOf<CodeAction::kKeep>(column, range, words);
    case CodeAction::kDrop:
      return ApplyOf<CodeAction::kDrop>(column, range, words);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tributary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tributary {
namespace {

HWY_EXPORT(ApplyAction);

}  // namespace

void ApplyCodes(CodeAction action, const AttributeColumn& column,
                CodeRange range, std::span<uint64_t> words) {
  if (range.begin == range.end) {
    if (action == CodeAction::kKeep) std::ranges::fill(words, 0);
    return;
  }
  HWY_DYNAMIC_DISPATCH(ApplyAction)(action, column, range, words.data());
}

}  // namespace tributary
#endif  // HWY_ONCE
