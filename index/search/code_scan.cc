#include "index/search/code_scan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

// Byte lookups across 64 bytes.
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

constexpr int16_t kLowest = -32768;
// So far ahead lies what the scan fetches.
constexpr uint32_t kPrefetchBlocks = 4;

#if HWY_TARGET == HWY_SCALAR

bool ScoreBlock(const CodeScan& scan, uint32_t block, const uint8_t* /*ahead*/,
                int16_t bias, int16_t threshold, int16_t* scores) {
  const uint8_t* codes = scan.codes + size_t{block} * scan.pairs * kBlockItems;
  bool any = false;
  for (uint32_t item = 0; item < kBlockItems; ++item) {
    int sum = bias;
    for (uint32_t p = 0; p < scan.pairs; ++p) {
      const uint8_t code = codes[p * kBlockItems + CodeByte(item)];
      sum += scan.tables[32 * p + (code & 15)];
      sum += scan.tables[32 * p + 16 + (code >> 4)];
    }
    scores[item] = static_cast<int16_t>(std::min(sum, 32767));
    any |= scores[item] > threshold;
  }
  return any;
}

#else

// The entries that the low and the high halves of `pair` select.
template <class D8>
HWY_INLINE hn::Vec<D8> LookUpPair(D8 d8, const uint8_t* HWY_RESTRICT table,
                                  hn::Vec<D8> pair) {
  const hn::Repartition<uint16_t, D8> d16;
  const auto first = hn::LoadDup128(d8, table);
  const auto second = hn::LoadDup128(d8, table + 16);
  const auto high = hn::BitCast(d8, hn::ShiftRight<4>(hn::BitCast(d16, pair)));
#if HWY_TARGET == HWY_AVX3_DL
  // Looks at the lower six bits only, and the table is there four times.
  return hn::Add(hn::Vec<D8>{_mm512_permutexvar_epi8(pair.raw, first.raw)},
                 hn::Vec<D8>{_mm512_permutexvar_epi8(high.raw, second.raw)});
#else
  const auto low_half = hn::Set(d8, uint8_t{15});
  return hn::Add(hn::TableLookupBytes(first, hn::And(pair, low_half)),
                 hn::TableLookupBytes(second, hn::And(high, low_half)));
#endif
}

// Writes the block's scores; false when none is above the threshold, and then
// they need not be written. Fetches the block at `ahead`.
HWY_INLINE bool ScoreBlock(const CodeScan& scan, uint32_t block,
                           const uint8_t* ahead, int16_t bias,
                           int16_t threshold, int16_t* HWY_RESTRICT scores) {
  const hn::CappedTag<uint8_t, kBlockItems> d8;
  const hn::Repartition<uint16_t, decltype(d8)> d16;
  const hn::RebindToSigned<decltype(d16)> di16;
  const size_t lanes = hn::Lanes(d8);
  const auto limit = hn::Set(di16, threshold);
  const auto biases = hn::Set(di16, bias);
  const uint8_t* HWY_RESTRICT codes =
      scan.codes + size_t{block} * scan.pairs * kBlockItems;
  bool any = false;
  for (size_t part = 0; part < kBlockItems; part += lanes) {
    auto sums = hn::Zero(d16), high_sums = sums;
    const uint8_t* HWY_RESTRICT table = scan.tables;
    const uint8_t* HWY_RESTRICT code = codes + part;
    for (uint32_t p = 0; p < scan.pairs; ++p) {
      const auto pair = hn::LoadU(d8, code);
      const auto both = hn::BitCast(d16, LookUpPair(d8, table, pair));
      // The sums of bytes 2i carry what bytes 2i + 1 add; it is taken off at
      // the end.
      sums = hn::Add(sums, both);
      high_sums = hn::Add(high_sums, hn::ShiftRight<8>(both));
      hwy::Prefetch(ahead + (code - codes));
      code += kBlockItems;
      table += 32;
    }
    sums = hn::Sub(sums, hn::ShiftLeft<8>(high_sums));
    const auto even = hn::SaturatedAdd(hn::BitCast(di16, sums), biases);
    const auto odd = hn::SaturatedAdd(hn::BitCast(di16, high_sums), biases);
    hn::StoreU(even, di16, scores + part / 2);
    hn::StoreU(odd, di16, scores + 32 + part / 2);
    any |= !hn::AllFalse(di16, hn::Gt(hn::Max(even, odd), limit));
  }
  return any;
}

#endif

void LeaveOut(uint64_t excluded, uint32_t items, int16_t* scores) {
  for (; excluded != 0; excluded &= excluded - 1) {
    scores[std::countr_zero(excluded)] = kLowest;
  }
  for (uint32_t i = items; i < kBlockItems; ++i) scores[i] = kLowest;
}

// Adds the items above the threshold to the list.
HWY_INLINE void TakeAbove(const int16_t* HWY_RESTRICT scores,
                          uint32_t first_place, int16_t threshold,
                          Shortlist* list) {
  float* HWY_RESTRICT scores_out = list->scores();
  uint32_t* HWY_RESTRICT ids_out = list->ids();
  size_t size = list->size();
#if HWY_TARGET <= HWY_AVX3
  const hn::CappedTag<int32_t, 16> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::RebindToFloat<decltype(d)> df;
  const hn::Rebind<int16_t, decltype(d)> d16;
  const auto limit = hn::Set(d, int32_t{threshold});
  for (size_t i = 0; i < kBlockItems; i += hn::Lanes(d)) {
    const auto score = hn::PromoteTo(d, hn::LoadU(d16, scores + i));
    const auto mask = hn::Gt(score, limit);
    const auto place = hn::Iota(du, first_place + static_cast<uint32_t>(i));
    // Storing all lanes is much faster than storing those of a mask.
    hn::StoreU(hn::Compress(hn::ConvertTo(df, score), hn::RebindMask(df, mask)),
               df, scores_out + size);
    hn::StoreU(hn::Compress(place, hn::RebindMask(du, mask)), du,
               ids_out + size);
    size += hn::CountTrue(d, mask);
  }
#elif HWY_TARGET == HWY_SCALAR
  for (uint32_t i = 0; i < kBlockItems; ++i) {
    if (scores[i] <= threshold) continue;
    scores_out[size] = scores[i];
    ids_out[size++] = first_place + i;
  }
#else
  // Without an instruction for it, Highway's Compress is slower than this.
  const hn::CappedTag<int16_t, kBlockItems> d;
  const auto limit = hn::Set(d, threshold);
  // Room for what StoreMaskBits may write beyond a mask's bytes.
  uint8_t bytes[kBlockItems / 8 + 8];
  for (size_t i = 0; i < kBlockItems; i += hn::Lanes(d)) {
    hn::StoreMaskBits(d, hn::Gt(hn::Load(d, scores + i), limit), bytes + i / 8);
  }
  uint64_t above;
  std::memcpy(&above, bytes, sizeof(above));
  for (; above != 0; above &= above - 1) {
    const auto item = static_cast<uint32_t>(std::countr_zero(above));
    scores_out[size] = scores[item];
    ids_out[size++] = first_place + item;
  }
#endif
  list->set_size(size);
}

void Scan(const CodeScan& scan, const BlockRun& run, uint32_t next_block,
          Survivors* survivors) {
  HWY_ALIGN int16_t scores[kBlockItems];
  auto threshold = static_cast<int16_t>(survivors->threshold);
  const size_t block_bytes = size_t{scan.pairs} * kBlockItems;
  for (uint32_t i = 0; i < run.blocks; ++i) {
    const uint32_t block = run.first_block + i;
    const uint32_t later = i + kPrefetchBlocks;
    const size_t ahead = later < run.blocks ? run.first_block + later
                                            : next_block + (later - run.blocks);
    if (!ScoreBlock(scan, block, scan.codes + ahead * block_bytes, run.bias,
                    threshold, scores)) {
      continue;
    }
    const uint32_t items = std::min(kBlockItems, run.items - i * kBlockItems);
    const uint64_t excluded =
        scan.excluded == nullptr ? 0 : scan.excluded[block];
    if (excluded != 0 || items < kBlockItems) {
      LeaveOut(excluded, items, scores);
    }
    TakeAbove(scores, block * kBlockItems, threshold, &survivors->list);
    if (survivors->list.size() <= survivors->limit()) continue;
    // Scores are integers: what is above a threshold is above its floor.
    survivors->threshold = std::floor(
        survivors->list.KeepBest(survivors->keep, survivors->keep / 16));
    threshold = static_cast<int16_t>(survivors->threshold);
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

void Survivors::Reset(uint32_t keep_at_least) {
  keep = keep_at_least;
  threshold = -32768;
  list.Reset(limit() + kBlockItems);
}

void ScanCodes(const CodeScan& scan, const BlockRun& run, uint32_t next_block,
               Survivors* survivors) {
  HWY_DYNAMIC_DISPATCH(Scan)(scan, run, next_block, survivors);
}

}  // namespace tributary
#endif  // HWY_ONCE
