#include "index/search/code_scan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

// Also compiles for AVX3_DL, whose byte lookups span 64 bytes.
#define HWY_WANT_AVX3_DL 1
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/search/code_scan.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tributary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

template <uint32_t kBlocks>
void ScoreBlocks(const CodeScan& scan, uint32_t block, const uint8_t* /*ahead*/,
                 int16_t bias, int16_t threshold, int16_t* scores,
                 uint64_t* above) {
  const uint8_t* codes = scan.codes + size_t{block} * scan.pairs * kBlockItems;
  for (uint32_t b = 0; b < kBlocks; ++b) {
    above[b] = 0;
    for (uint32_t item = 0; item < kBlockItems; ++item) {
      int sum = bias;
      for (uint32_t p = 0; p < scan.pairs; ++p) {
        const uint8_t code =
            codes[(size_t{b} * scan.pairs + p) * kBlockItems + CodeByte(item)];
        sum += scan.tables[32 * p + (code & 15)];
        sum += scan.tables[32 * p + 16 + (code >> 4)];
      }
      const int score = std::min(sum, 32767);
      scores[b * kBlockItems + item] = static_cast<int16_t>(score);
      above[b] |= uint64_t{score > threshold} << item;
    }
  }
}

#else

// For each byte of `pair`, the sum of the two entries that its low and its high
// four bits select from the two tables at `table`.
template <class D8>
HWY_INLINE hn::Vec<D8> LookUpPair(D8 d8, const uint8_t* HWY_RESTRICT table,
                                  hn::Vec<D8> pair) {
  const hn::Repartition<uint16_t, D8> d16;
  const auto first = hn::LoadDup128(d8, table);
  const auto second = hn::LoadDup128(d8, table + 16);
  const auto high = hn::BitCast(d8, hn::ShiftRight<4>(hn::BitCast(d16, pair)));
#if HWY_TARGET == HWY_AVX3_DL
  // vpermb uses the lower six bits of an index. LoadDup128 repeated the table
  // four times, so that the upper two of them make no difference.
  return hn::Add(hn::Vec<D8>{_mm512_permutexvar_epi8(pair.raw, first.raw)},
                 hn::Vec<D8>{_mm512_permutexvar_epi8(high.raw, second.raw)});
#else
  const auto low_half = hn::Set(d8, uint8_t{15});
  return hn::Add(hn::TableLookupBytes(first, hn::And(pair, low_half)),
                 hn::TableLookupBytes(second, hn::And(high, low_half)));
#endif
}

template <class D16>
HWY_INLINE uint64_t MaskBits(D16 d, hn::Mask<D16> mask) {
#if HWY_TARGET <= HWY_AVX3
  (void)d;
  return static_cast<uint64_t>(mask.raw);
#else
  // StoreMaskBits may write beyond a mask's bytes.
  uint8_t bytes[16] = {};
  hn::StoreMaskBits(d, mask, bytes);
  uint64_t bits;
  std::memcpy(&bits, bytes, sizeof(bits));
  return bits;
#endif
}

// The sums of the table entries of the items in 64 bytes (fewer where SIMD
// vectors are narrower), in 16-bit lanes: `odd` for bytes 2i + 1, `even` for
// bytes 2i, but see Add.
template <class D16>
struct Sums {
  hn::Vec<D16> even;
  hn::Vec<D16> odd;

  HWY_INLINE void Add(D16 d16, const uint8_t* HWY_RESTRICT table,
                      const uint8_t* HWY_RESTRICT code) {
    const hn::Repartition<uint8_t, D16> d8;
    const auto both =
        hn::BitCast(d16, LookUpPair(d8, table, hn::LoadU(d8, code)));
    // Each 16-bit lane is (entry of byte 2i) + 256 * (entry of byte 2i + 1).
    // Masking the high byte off would cost an instruction per pair. Instead
    // `even` sums whole lanes, modulo 2^16, and Finish subtracts 256 * odd.
    even = hn::Add(even, both);
    odd = hn::Add(odd, hn::ShiftRight<8>(both));
  }

  template <class DI16>
  HWY_INLINE uint64_t Finish(DI16 di16, int16_t bias, int16_t threshold,
                             int16_t* HWY_RESTRICT scores) const {
    const auto limit = hn::Set(di16, threshold);
    const auto biases = hn::Set(di16, bias);
    const auto alone = hn::Sub(even, hn::ShiftLeft<8>(odd));
    const auto first = hn::SaturatedAdd(hn::BitCast(di16, alone), biases);
    const auto second = hn::SaturatedAdd(hn::BitCast(di16, odd), biases);
    hn::StoreU(first, di16, scores);
    hn::StoreU(second, di16, scores + 32);
    return MaskBits(di16, hn::Gt(first, limit)) |
           MaskBits(di16, hn::Gt(second, limit)) << 32;
  }
};

// Scores kBlocks (1 or 2) blocks from `block` on, loading each table once for
// both, and prefetches as many blocks at `ahead`. Writes 64 scores per block,
// and in above[b] a bit for each item whose score exceeds the threshold.
template <uint32_t kBlocks>
HWY_INLINE void ScoreBlocks(const CodeScan& scan, uint32_t block,
                            const uint8_t* ahead, int16_t bias,
                            int16_t threshold, int16_t* HWY_RESTRICT scores,
                            uint64_t* HWY_RESTRICT above) {
  const hn::CappedTag<uint8_t, kBlockItems> d8;
  const hn::Repartition<uint16_t, decltype(d8)> d16;
  const hn::RebindToSigned<decltype(d16)> di16;
  const size_t lanes = hn::Lanes(d8);
  const size_t block_bytes = size_t{scan.pairs} * kBlockItems;
  const uint8_t* HWY_RESTRICT codes = scan.codes + block * block_bytes;
  above[0] = above[kBlocks - 1] = 0;
  for (size_t part = 0; part < kBlockItems; part += lanes) {
    // Two variables rather than an array, which the compiler would keep in
    // memory.
    Sums<decltype(d16)> first{hn::Zero(d16), hn::Zero(d16)}, second = first;
    const uint8_t* HWY_RESTRICT table = scan.tables;
    const uint8_t* HWY_RESTRICT code = codes + part;
    const uint8_t* HWY_RESTRICT later = ahead + part;
    for (uint32_t p = 0; p < scan.pairs; ++p) {
      first.Add(d16, table, code);
      hwy::Prefetch(later);
      if constexpr (kBlocks == 2) {
        second.Add(d16, table, code + block_bytes);
        hwy::Prefetch(later + block_bytes);
      }
      code += kBlockItems;
      later += kBlockItems;
      table += 32;
    }
    above[0] |= first.Finish(di16, bias, threshold, scores + part / 2)
                << (part / 2);
    if constexpr (kBlocks == 2) {
      above[1] |=
          second.Finish(di16, bias, threshold, scores + kBlockItems + part / 2)
          << (part / 2);
    }
  }
}

#endif

#if HWY_TARGET == HWY_AVX3_DL

// Writes those of 32 scores that the mask selects, widened to float. May write
// 16 or 32 values, however few are selected.
HWY_INLINE void StorePacked(__mmask32 mask, const int16_t* scores, float* out) {
  const __m512i packed =
      _mm512_maskz_compress_epi16(mask, _mm512_load_si512(scores));
  const auto widened = [](__m256i half) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(half));
  };
  _mm512_storeu_ps(out, widened(_mm512_castsi512_si256(packed)));
  if (std::popcount(uint32_t{mask}) > 16) {
    _mm512_storeu_ps(out + 16, widened(_mm512_extracti64x4_epi64(packed, 1)));
  }
}

HWY_INLINE void StoreSlots(__m512i first, __m128i items, uint32_t* out) {
  _mm512_storeu_si512(out,
                      _mm512_add_epi32(first, _mm512_cvtepu8_epi32(items)));
}

#endif

// Adds the items of a block whose bits are set in `above` to the list. Writes
// up to 64 entries beyond the list's size, which its padding allows.
HWY_INLINE void Take(const int16_t* HWY_RESTRICT scores, uint32_t first_slot,
                     uint64_t above, Shortlist* list) {
  float* HWY_RESTRICT scores_out = list->scores() + list->size();
  uint32_t* HWY_RESTRICT ids_out = list->ids() + list->size();
  const auto count = static_cast<size_t>(std::popcount(above));
#if HWY_TARGET == HWY_AVX3_DL
  // Scores are packed as 16 bits and items as 8 bits, and then widened. Mostly
  // fewer than sixteen items are selected, so that the first of the conditional
  // stores suffices.
  const auto low = static_cast<__mmask32>(above);
  const auto high = static_cast<__mmask32>(above >> 32);
  StorePacked(low, scores, scores_out);
  StorePacked(high, scores + 32, scores_out + std::popcount(uint32_t{low}));
  const __m512i first = _mm512_set1_epi32(static_cast<int>(first_slot));
  const __m512i items = _mm512_maskz_compress_epi8(
      above, hn::Iota(hn::CappedTag<uint8_t, kBlockItems>(), 0).raw);
  StoreSlots(first, _mm512_castsi512_si128(items), ids_out);
  if (count > 16) {
    StoreSlots(first, _mm512_extracti32x4_epi32(items, 1), ids_out + 16);
    StoreSlots(first, _mm512_extracti32x4_epi32(items, 2), ids_out + 32);
    StoreSlots(first, _mm512_extracti32x4_epi32(items, 3), ids_out + 48);
  }
#else
  // Without instructions that compress vectors, this loop is faster.
  for (size_t i = 0; above != 0; above &= above - 1, ++i) {
    const auto item = static_cast<uint32_t>(std::countr_zero(above));
    scores_out[i] = scores[item];
    ids_out[i] = first_slot + item;
  }
#endif
  list->set_size(list->size() + count);
}

struct Scanner {
  const CodeScan& scan;
  const BlockRun& run;
  Survivors* survivors;
  int16_t threshold;

  // Adds those items of a block that are above the threshold, not excluded and
  // within the run. `index` is the block's index in the run.
  HWY_INLINE void Offer(uint32_t index, const int16_t* HWY_RESTRICT scores,
                        uint64_t above) {
    if (above == 0) return;
    const uint32_t block = run.first_block + index;
    if (scan.excluded != nullptr) above &= ~scan.excluded[block];
    if (scan.barred != nullptr) {
      above &= ~scan.barred[block];
      if (above == 0) return;
    }
    const uint32_t items = run.items - index * kBlockItems;
    if (items < kBlockItems) above &= (uint64_t{1} << items) - 1;
    Take(scores, block * kBlockItems, above, &survivors->list);
    if (survivors->list.size() > survivors->limit) Sift();
  }

  HWY_NOINLINE void Sift() {
    survivors->Sift();
    threshold = static_cast<int16_t>(survivors->threshold);
  }
};

void Scan(const CodeScan& scan, const BlockRun& run, uint32_t next_block,
          Survivors* survivors) {
  HWY_ALIGN int16_t scores[2 * kBlockItems];
  uint64_t above[2];
  const size_t block_bytes = size_t{scan.pairs} * kBlockItems;
  const auto ahead = [&](uint32_t index) {
    const uint32_t later = index + kBlocksAhead;
    const size_t block = later < run.blocks ? run.first_block + later
                                            : next_block + (later - run.blocks);
    return scan.codes + block * block_bytes;
  };
  Scanner scanner{scan, run, survivors,
                  static_cast<int16_t>(survivors->threshold)};
  uint32_t i = 0;
  for (; i + 2 <= run.blocks; i += 2) {
    ScoreBlocks<2>(scan, run.first_block + i, ahead(i), run.bias,
                   scanner.threshold, scores, above);
    scanner.Offer(i, scores, above[0]);
    scanner.Offer(i + 1, scores + kBlockItems, above[1]);
  }
  if (i < run.blocks) {
    ScoreBlocks<1>(scan, run.first_block + i, ahead(i), run.bias,
                   scanner.threshold, scores, above);
    scanner.Offer(i, scores, above[0]);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tributary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tributary {
namespace {

HWY_EXPORT(Scan);

}  // namespace

void Survivors::Reset(uint32_t keep_at_least, size_t more) {
  room = more;
  threshold = -32768;
  list.Reset(0);
  Keep(keep_at_least);
}

void Survivors::Keep(uint32_t keep_at_least) {
  keep = keep_at_least;
  limit = size_t{keep} + keep / 2 + 256 + room;
  list.MakeRoom(limit + kBlockItems);
}

void Survivors::Sift() {
  // Scores are integers, so that a score is above the threshold exactly when it
  // is above the threshold's floor.
  threshold = std::floor(list.KeepBest(keep, keep / 16));
}

void ScanCodes(const CodeScan& scan, const BlockRun& run, uint32_t next_block,
               Survivors* survivors) {
  HWY_DYNAMIC_DISPATCH(Scan)(scan, run, next_block, survivors);
}

}  // namespace tributary
#endif  // HWY_ONCE
