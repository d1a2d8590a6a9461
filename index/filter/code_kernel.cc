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

// Finds the codes of a range, byte by byte. kFirst as above.
template <size_t kFirst>
class ByteByByte {
 public:
  // How many bytes of each code are always read.
  static constexpr size_t kRead = kFirst;

  ByteByByte(CodeRange range, size_t bytes)
      : bytes_(bytes), from_first_(range.begin == 0) {
    for (size_t b = 0; b < bytes; ++b) {
      const size_t shift = 8 * (bytes - 1 - b);
      begin_[b] = static_cast<uint8_t>(range.begin >> shift);
      end_[b] = static_cast<uint8_t>(range.end >> shift);
    }
  }

  // Which of those of 64 codes that are asked for are in the range.
  HWY_INLINE uint64_t operator()(const Planes& planes, size_t at,
                                 uint64_t asked) const {
    const uint64_t below =
        asked & ~AtLeast<kFirst>(planes, at, bytes_, end_, asked);
    if (from_first_) return below;
    return below & AtLeast<kFirst>(planes, at, bytes_, begin_, asked);
  }

 private:
  const size_t bytes_;
  const bool from_first_;
  Limits begin_{}, end_{};
};

#if HWY_TARGET <= HWY_AVX3

// The same for codes of one or two bytes: how far a code is above the first of
// the range, modulo 2^8 or 2^16, is compared once, for both ends.
template <size_t kBytes>
class AtOnce {
 public:
  static constexpr size_t kRead = kBytes;

  AtOnce(CodeRange range, size_t /*bytes*/)
      : begin_(Repeated(range.begin)),
        size_(Repeated(range.end - range.begin)) {}

  HWY_INLINE uint64_t operator()(const Planes& planes, size_t at,
                                 uint64_t asked) const {
    const __m512i low = _mm512_loadu_si512(planes[kBytes - 1] + at);
    if constexpr (kBytes == 1) {
      return asked &
             _mm512_cmplt_epu8_mask(_mm512_sub_epi8(low, begin_), size_);
    }
    const __m512i high = _mm512_loadu_si512(planes[0] + at);
    // Of each 16 codes the first eight, and the last eight.
    const uint64_t first = BelowSize(_mm512_unpacklo_epi8(low, high));
    const uint64_t last = BelowSize(_mm512_unpackhi_epi8(low, high));
    return asked & (_pdep_u64(first, 0x00FF'00FF'00FF'00FF) |
                    _pdep_u64(last, 0xFF00'FF00'FF00'FF00));
  }

 private:
  static __m512i Repeated(uint32_t value) {
    return kBytes == 1 ? _mm512_set1_epi8(static_cast<char>(value))
                       : _mm512_set1_epi16(static_cast<int16_t>(value));
  }
  HWY_INLINE uint64_t BelowSize(__m512i codes) const {
    return _mm512_cmplt_epu16_mask(_mm512_sub_epi16(codes, begin_), size_);
  }

  const __m512i begin_, size_;
};

#endif

// kMark adds those in the range to `passing`, and looks at the others; kKeep
// and kDrop look at what passes, and remove those that are not, or that are,
// in the range.
template <CodeAction kAction, typename Within>
HWY_INLINE uint64_t Apply(const Planes& planes, size_t at, const Within& within,
                          uint64_t passing) {
  const uint64_t asked = kAction == CodeAction::kMark ? ~passing : passing;
  if (asked == 0) return passing;
  const uint64_t found = within(planes, at, asked);
  if (kAction == CodeAction::kMark) return passing | found;
  return kAction == CodeAction::kKeep ? found : passing & ~found;
}

template <CodeAction kAction, typename Within>
void ApplyToAll(const AttributeColumn& column, CodeRange codes,
                uint64_t* words) {
  const size_t bytes = column.code_bytes();
  const Within within(codes, bytes);
  const uint64_t items = column.n_items();
  Planes planes{};
  for (uint32_t b = 0; b < bytes; ++b) planes[b] = column.CodeByte(b).data();
  uint64_t at = 0;
  for (; at + kItems <= items; at += kItems) {
    hwy::Prefetch(planes[0] + at + kAhead);
    if constexpr (Within::kRead == 2) hwy::Prefetch(planes[1] + at + kAhead);
    words[at / kItems] = Apply<kAction>(planes, at, within, words[at / kItems]);
  }
  if (at == items) return;
  // The last ones are copied, because a whole vector would end beyond them.
  std::array<std::array<uint8_t, kItems>, kMaxBytes> rest{};
  for (size_t b = 0; b < bytes; ++b) {
    std::copy_n(planes[b] + at, items - at, rest[b].begin());
    planes[b] = rest[b].data();
  }
  words[at / kItems] = Apply<kAction>(planes, 0, within, words[at / kItems]) &
                       ((uint64_t{1} << (items - at)) - 1);
}

template <CodeAction kAction>
void ApplyOf(const AttributeColumn& column, CodeRange range, uint64_t* words) {
#if HWY_TARGET <= HWY_AVX3
  if (column.code_bytes() == 1) {
    return ApplyToAll<kAction, AtOnce<1>>(column, range, words);
  }
  if (column.code_bytes() == 2) {
    return ApplyToAll<kAction, AtOnce<2>>(column, range, words);
  }
#else
  if (column.code_bytes() == 1) {
    return ApplyToAll<kAction, ByteByByte<1>>(column, range, words);
  }
#endif
  return ApplyToAll<kAction, ByteByByte<2>>(column, range, words);
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
