#include "server/fusion/unit_vectors.h"

#include <algorithm>
#include <cmath>

// Highway compiles the part between HWY_BEFORE_NAMESPACE and
// HWY_AFTER_NAMESPACE once for each target by including this file again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "server/fusion/unit_vectors.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tributary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
// At most kUnitVectorAlign lanes, so that vectors have no rest.
using Lanes = hn::CappedTag<float, kUnitVectorAlign>;
using Vec = hn::Vec<Lanes>;

#if HWY_TARGET != HWY_SCALAR

// The sum of the 128-bit blocks of a vector.
template <class D>
HWY_INLINE auto AddBlocks(D d, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(d) > 4) {
    const hn::Half<D> half;
    return AddBlocks(half,
                     hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else {
    return v;
  }
}

// The sums of the lanes of four vectors, each added up in the same order.
HWY_INLINE auto SumsOfFour(Vec a, Vec b, Vec c, Vec e) {
  const Lanes d;
  const auto ac =
      hn::Add(hn::InterleaveLower(d, a, c), hn::InterleaveUpper(d, a, c));
  const auto be =
      hn::Add(hn::InterleaveLower(d, b, e), hn::InterleaveUpper(d, b, e));
  return AddBlocks(d, hn::Add(hn::InterleaveLower(d, ac, be),
                              hn::InterleaveUpper(d, ac, be)));
}

// Four vectors at a time, so that each load of the first one is used four
// times.
HWY_INLINE void FourProducts(const float* vector, const float* vectors,
                             size_t stride, float* products) {
  const Lanes d;
  Vec a = hn::Zero(d), b = a, c = a, e = a;
  for (size_t i = 0; i < stride; i += hn::Lanes(d)) {
    const Vec v = hn::LoadU(d, vector + i);
    a = hn::MulAdd(v, hn::LoadU(d, vectors + i), a);
    b = hn::MulAdd(v, hn::LoadU(d, vectors + stride + i), b);
    c = hn::MulAdd(v, hn::LoadU(d, vectors + 2 * stride + i), c);
    e = hn::MulAdd(v, hn::LoadU(d, vectors + 3 * stride + i), e);
  }
  const hn::CappedTag<float, 4> four;
  hn::StoreU(SumsOfFour(a, b, c, e), four, products);
}

#endif  // HWY_TARGET != HWY_SCALAR

HWY_INLINE float OneProduct(const float* vector, const float* other,
                            size_t stride) {
  const Lanes d;
  Vec a = hn::Zero(d);
  for (size_t i = 0; i < stride; i += hn::Lanes(d)) {
    a = hn::MulAdd(hn::LoadU(d, vector + i), hn::LoadU(d, other + i), a);
  }
#if HWY_TARGET != HWY_SCALAR
  return hn::GetLane(SumsOfFour(a, a, a, a));
#else
  return hn::GetLane(a);
#endif
}

void Products(const float* vector, const float* vectors, size_t count,
              size_t stride, float* products) {
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; i + 4 <= count; i += 4) {
    FourProducts(vector, vectors + i * stride, stride, products + i);
  }
#endif
  for (; i < count; ++i) {
    products[i] = OneProduct(vector, vectors + i * stride, stride);
  }
}

void Multiply(float factor, size_t stride, float* vector) {
  const Lanes d;
  const Vec f = hn::Set(d, factor);
  for (size_t i = 0; i < stride; i += hn::Lanes(d)) {
    hn::StoreU(hn::Mul(f, hn::LoadU(d, vector + i)), d, vector + i);
  }
}

// Whether the length of a vector with this square is accurate: it neither
// overflowed nor vanished in float.
bool IsUsual(float square) { return square >= 1e-20F && square <= 1e30F; }

// For vectors of any length.
void MakeOneUnit(float* vector, size_t stride) {
  double square = 0;
  for (size_t i = 0; i < stride; ++i) {
    square += double{vector[i]} * double{vector[i]};
  }
  const double length = std::sqrt(square);
  const bool is_usable = length > 0 && std::isfinite(length);
  for (size_t i = 0; i < stride; ++i) {
    vector[i] = is_usable ? static_cast<float>(vector[i] / length) : 0;
  }
}

void Normalise(float* vectors, size_t count, size_t stride) {
  for (size_t i = 0; i < count; ++i) {
    float* const vector = vectors + i * stride;
    const float square = OneProduct(vector, vector, stride);
    if (IsUsual(square)) {
      Multiply(1 / std::sqrt(square), stride, vector);
    } else {
      MakeOneUnit(vector, stride);
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

HWY_EXPORT(Normalise);
HWY_EXPORT(Products);

}  // namespace

void MakeUnit(float* vectors, size_t count, size_t stride) {
  HWY_DYNAMIC_DISPATCH(Normalise)(vectors, count, stride);
}

void UnitProducts(const float* vector, const float* vectors, size_t count,
                  size_t stride, float* products) {
  HWY_DYNAMIC_DISPATCH(Products)(vector, vectors, count, stride, products);
}

}  // namespace tributary
#endif  // HWY_ONCE
