#include "server/fusion/unit_vectors.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

#if HWY_TARGET == HWY_SCALAR

int32_t Product(const int16_t* unit, const int16_t* other, size_t stride) {
  int32_t sum = 0;
  for (size_t i = 0; i < stride; ++i) sum += int32_t{unit[i]} * other[i];
  return sum;
}

void Products(const int16_t* unit, const int16_t* others, size_t count,
              size_t stride, int32_t* products) {
  for (size_t i = 0; i < count; ++i) {
    products[i] = Product(unit, others + i * stride, stride);
  }
}

int32_t GreatestProduct(const int16_t* unit, const int16_t* others,
                        size_t count, size_t stride) {
  int32_t greatest = std::numeric_limits<int32_t>::min();
  for (size_t i = 0; i < count; ++i) {
    greatest = std::max(greatest, Product(unit, others + i * stride, stride));
  }
  return greatest;
}

#else  // HWY_TARGET == HWY_SCALAR

// At most kUnitAlign lanes, so that vectors have no rest.
using Shorts = hn::CappedTag<int16_t, kUnitAlign>;
using Ints = hn::RepartitionToWide<Shorts>;
using Four = hn::CappedTag<int32_t, 4>;

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

// The sums plus products; which lane has which products depends on the target.
HWY_INLINE hn::Vec<Ints> AddProducts(hn::Vec<Shorts> a, hn::Vec<Shorts> b,
                                     hn::Vec<Ints> sums) {
  auto more = hn::Zero(Ints());
  sums = hn::ReorderWidenMulAccumulate(Ints(), a, b, sums, more);
  return hn::Add(sums, more);
}

// The products with four others, so that each load of `unit` is used four
// times.
HWY_INLINE hn::Vec<Four> FourProducts(const int16_t* unit,
                                      const int16_t* others, size_t stride) {
  const Shorts d;
  const Ints d32;
  auto a = hn::Zero(d32), b = a, c = a, e = a;
  for (size_t i = 0; i < stride; i += hn::Lanes(d)) {
    const auto u = hn::LoadU(d, unit + i);
    a = AddProducts(u, hn::LoadU(d, others + i), a);
    b = AddProducts(u, hn::LoadU(d, others + stride + i), b);
    c = AddProducts(u, hn::LoadU(d, others + 2 * stride + i), c);
    e = AddProducts(u, hn::LoadU(d, others + 3 * stride + i), e);
  }
  const auto ac =
      hn::Add(hn::InterleaveLower(d32, a, c), hn::InterleaveUpper(d32, a, c));
  const auto be =
      hn::Add(hn::InterleaveLower(d32, b, e), hn::InterleaveUpper(d32, b, e));
  return AddBlocks(d32, hn::Add(hn::InterleaveLower(d32, ac, be),
                                hn::InterleaveUpper(d32, ac, be)));
}

HWY_INLINE int32_t OneProduct(const int16_t* unit, const int16_t* other,
                              size_t stride) {
  const Shorts d;
  auto sums = hn::Zero(Ints());
  for (size_t i = 0; i < stride; i += hn::Lanes(d)) {
    sums = AddProducts(hn::LoadU(d, unit + i), hn::LoadU(d, other + i), sums);
  }
  return hn::GetLane(hn::SumOfLanes(Ints(), sums));
}

void Products(const int16_t* unit, const int16_t* others, size_t count,
              size_t stride, int32_t* products) {
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    hn::StoreU(FourProducts(unit, others + i * stride, stride), Four(),
               products + i);
  }
  for (; i < count; ++i) {
    products[i] = OneProduct(unit, others + i * stride, stride);
  }
}

int32_t GreatestProduct(const int16_t* unit, const int16_t* others,
                        size_t count, size_t stride) {
  int32_t greatest = std::numeric_limits<int32_t>::min();
  size_t i = 0;
  if (count >= 4) {
    auto best = hn::Set(Four(), greatest);
    for (; i + 4 <= count; i += 4) {
      best = hn::Max(best, FourProducts(unit, others + i * stride, stride));
    }
    greatest = hn::GetLane(hn::MaxOfLanes(Four(), best));
  }
  for (; i < count; ++i) {
    greatest =
        std::max(greatest, OneProduct(unit, others + i * stride, stride));
  }
  return greatest;
}

#endif  // HWY_TARGET == HWY_SCALAR

float SquareOf(const float* vector, size_t dim) {
  const hn::ScalableTag<float> d;
  auto sums = hn::Zero(d);
  size_t i = 0;
  for (; i + hn::Lanes(d) <= dim; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, vector + i);
    sums = hn::MulAdd(v, v, sums);
  }
  float square = hn::GetLane(hn::SumOfLanes(d, sums));
  for (; i < dim; ++i) square += vector[i] * vector[i];
  return square;
}

// Whether a length is accurate whose square this is: nothing overflowed or
// vanished in float.
bool IsUsual(float square) { return square >= 1e-20F && square <= 1e30F; }

double AnyLength(const float* vector, size_t dim) {
  double square = 0;
  for (size_t i = 0; i < dim; ++i) square += double{vector[i]} * vector[i];
  return std::sqrt(square);
}

// units[i] = vector[i] * factor, rounded.
void Round(const float* vector, size_t dim, float factor, int16_t* units) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<int16_t, decltype(d)> d16;
  const auto f = hn::Set(d, factor);
  size_t i = 0;
  for (; i + hn::Lanes(d) <= dim; i += hn::Lanes(d)) {
    const auto rounded = hn::NearestInt(hn::Mul(f, hn::LoadU(d, vector + i)));
    hn::StoreU(hn::DemoteTo(d16, rounded), d16, units + i);
  }
  for (; i < dim; ++i) {
    units[i] = static_cast<int16_t>(std::lrint(vector[i] * factor));
  }
}

void MakeAllUnit(const float* vectors, size_t count, size_t dim,
                 int16_t* units) {
  const size_t stride = UnitStride(dim);
  for (size_t i = 0; i < count; ++i) {
    const float* const vector = vectors + i * dim;
    int16_t* const unit = units + i * stride;
    std::fill(unit + dim, unit + stride, int16_t{0});
    const float square = SquareOf(vector, dim);
    if (IsUsual(square)) {
      Round(vector, dim, kUnitLength / std::sqrt(square), unit);
      continue;
    }
    const double length = AnyLength(vector, dim);
    const bool is_usable = length > 0 && std::isfinite(length);
    for (size_t d = 0; d < dim; ++d) {
      unit[d] = is_usable ? static_cast<int16_t>(
                                std::lrint(vector[d] / length * kUnitLength))
                          : int16_t{0};
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

HWY_EXPORT(MakeAllUnit);
HWY_EXPORT(Products);
HWY_EXPORT(GreatestProduct);

}  // namespace

void MakeUnit(const float* vectors, size_t count, size_t dim, int16_t* units) {
  HWY_DYNAMIC_DISPATCH(MakeAllUnit)(vectors, count, dim, units);
}

void UnitProducts(const int16_t* unit, const int16_t* others, size_t count,
                  size_t stride, int32_t* products) {
  HWY_DYNAMIC_DISPATCH(Products)(unit, others, count, stride, products);
}

int32_t GreatestUnitProduct(const int16_t* unit, const int16_t* others,
                            size_t count, size_t stride) {
  return HWY_DYNAMIC_DISPATCH(GreatestProduct)(unit, others, count, stride);
}

}  // namespace tributary
#endif  // HWY_ONCE
