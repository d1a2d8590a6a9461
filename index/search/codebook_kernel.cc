#include <algorithm>
#include <limits>

#include "index/search/codebook.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/search/codebook_kernel.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tributary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::CappedTag<float, kCodewords>;
constexpr int kMaxSweeps = 3;

// Returns the codeword of one code with the least loss, lanes being codewords.
// `off_along` is the error of the other codes along the direction.
HWY_INLINE uint32_t BestCodeword(const float* codewords, const float* residual,
                                 const float* direction, uint32_t code_dims,
                                 float off_along, float extra) {
  const F d;
  const size_t lanes = hn::Lanes(d);
  uint32_t best = 0;
  float least = std::numeric_limits<float>::infinity();
  for (size_t k = 0; k < kCodewords; k += lanes) {
    auto along = hn::Set(d, off_along);
    auto square = hn::Zero(d);
    for (size_t i = 0; i < code_dims; ++i) {
      const auto off = hn::Sub(hn::Set(d, residual[i]),
                               hn::LoadU(d, codewords + i * kCodewords + k));
      along = hn::MulAdd(off, hn::Set(d, direction[i]), along);
      square = hn::MulAdd(off, off, square);
    }
    const auto loss =
        hn::MulAdd(hn::Mul(along, along), hn::Set(d, extra), square);
    const auto min = hn::MinOfLanes(d, loss);
    if (!(hn::GetLane(min) < least)) continue;
    least = hn::GetLane(min);
    best = static_cast<uint32_t>(
        k + static_cast<size_t>(hn::FindFirstTrue(d, hn::Eq(loss, min))));
  }
  return best;
}

HWY_INLINE float OffAlong(const float* codewords, const float* residual,
                          const float* direction, uint32_t code_dims,
                          uint32_t codeword) {
  float sum = 0;
  for (size_t i = 0; i < code_dims; ++i) {
    sum += (residual[i] - codewords[i * kCodewords + codeword]) * direction[i];
  }
  return sum;
}

// Coordinate descent on the anisotropic loss. Codes begin as the nearest
// codewords. Each sweep then chooses every code again, the others being fixed;
// `along` is e . u of the whole vector. Stops when a sweep changes nothing.
void Encode(const Codebook& book, const float* residual, const float* direction,
            float anisotropy, uint8_t* codes) {
  const uint32_t count = book.codes();
  const uint32_t code_dims = book.code_dims;
  const size_t stride = size_t{code_dims} * kCodewords;
  float along = 0;
  for (size_t c = 0; c < count; ++c) {
    const float* codewords = book.codewords.data() + c * stride;
    const float* r = residual + c * code_dims;
    const float* x = direction + c * code_dims;
    codes[c] =
        static_cast<uint8_t>(BestCodeword(codewords, r, x, code_dims, 0, 0));
    along += OffAlong(codewords, r, x, code_dims, codes[c]);
  }
  bool changed = anisotropy > 1;
  for (int sweep = 0; sweep < kMaxSweeps && changed; ++sweep) {
    changed = false;
    for (size_t c = 0; c < count; ++c) {
      const float* codewords = book.codewords.data() + c * stride;
      const float* r = residual + c * code_dims;
      const float* x = direction + c * code_dims;
      const float others =
          along - OffAlong(codewords, r, x, code_dims, codes[c]);
      const uint32_t best =
          BestCodeword(codewords, r, x, code_dims, others, anisotropy - 1);
      if (best == codes[c]) continue;
      changed = true;
      codes[c] = static_cast<uint8_t>(best);
      along = others + OffAlong(codewords, r, x, code_dims, best);
    }
  }
}

// Writes the inner products of the query's parts with the codewords,
// [codes][kCodewords], and the least product of each code. Returns the widest
// range, over the codes, of the products of one code.
float Products(const Codebook& book, const float* query, float* products,
               float* least) {
  const F d;
  const size_t lanes = hn::Lanes(d);
  const float* codewords = book.codewords.data();
  float widest = 0;
  for (size_t c = 0; c < book.codes(); ++c) {
    auto min = hn::Set(d, std::numeric_limits<float>::infinity());
    auto max = hn::Neg(min);
    for (size_t k = 0; k < kCodewords; k += lanes) {
      auto sum = hn::Zero(d);
      for (size_t i = 0; i < book.code_dims; ++i) {
        sum = hn::MulAdd(hn::Set(d, query[c * book.code_dims + i]),
                         hn::LoadU(d, codewords + i * kCodewords + k), sum);
      }
      hn::StoreU(sum, d, products + c * kCodewords + k);
      min = hn::Min(min, sum);
      max = hn::Max(max, sum);
    }
    least[c] = hn::GetLane(hn::MinOfLanes(d, min));
    widest = std::max(widest, hn::GetLane(hn::MaxOfLanes(d, max)) - least[c]);
    codewords += size_t{book.code_dims} * kCodewords;
  }
  return widest;
}

void Round(const float* products, const float* least, uint32_t codes,
           float scale, uint8_t* entries) {
  const F d;
  const hn::Rebind<int32_t, F> di;
  const hn::Rebind<uint8_t, F> d8;
  const size_t lanes = hn::Lanes(d);
  for (size_t c = 0; c < codes; ++c) {
    const auto zero = hn::Set(d, least[c]);
    for (size_t k = 0; k < kCodewords; k += lanes) {
      const size_t at = c * kCodewords + k;
      const auto above = hn::Sub(hn::LoadU(d, products + at), zero);
      const auto whole = hn::NearestInt(hn::Mul(above, hn::Set(d, scale)));
      const auto capped = hn::Min(whole, hn::Set(di, kMaxEntry));
      hn::StoreU(hn::DemoteTo(d8, capped), d8, entries + at);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tributary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tributary {
namespace {

HWY_EXPORT(Encode);
HWY_EXPORT(Products);
HWY_EXPORT(Round);

}  // namespace

void EncodeResidual(const Codebook& book, const float* residual,
                    const float* direction, float anisotropy, uint8_t* codes) {
  HWY_DYNAMIC_DISPATCH(Encode)(book, residual, direction, anisotropy, codes);
}

void MakeTables(const Codebook& book, const float* query, float max_scale,
                QueryTables* tables) {
  float products[kMaxCodes * kCodewords];
  float least[kMaxCodes];
  const uint32_t codes = book.codes();
  const float widest =
      HWY_DYNAMIC_DISPATCH(Products)(book, query, products, least);
  tables->entries.resize(size_t{codes} * kCodewords);
  // The quotient is infinite where all codewords score alike (`widest` is 0).
  tables->scale = std::min(kMaxEntry / widest, max_scale);
  tables->offset = 0;
  for (size_t c = 0; c < codes; ++c) tables->offset += least[c];
  HWY_DYNAMIC_DISPATCH(Round)
  (products, least, codes, tables->scale, tables->entries.data());
}

}  // namespace tributary
#endif  // HWY_ONCE
