#include "index/train/als/als_rows.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "index/search/dense_product.h"

// Highway compiles the part between HWY_BEFORE_NAMESPACE and
// HWY_AFTER_NAMESPACE once for each target by including this file again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/train/als/als_rows.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tributary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
// Widths are multiples of kAlsLanes, which is a multiple of this.
using Floats = hn::CappedTag<float, kAlsLanes>;
constexpr Floats kFloats;

float Dot(const float* a, const float* b, size_t width) {
  auto sum = hn::Zero(kFloats);
  for (size_t i = 0; i < width; i += hn::Lanes(kFloats)) {
    sum = hn::MulAdd(hn::Load(kFloats, a + i), hn::Load(kFloats, b + i), sum);
  }
  return hn::GetLane(hn::SumOfLanes(kFloats, sum));
}

// y += factor * x.
void AddScaled(float factor, const float* x, size_t width, float* y) {
  const auto f = hn::Set(kFloats, factor);
  for (size_t i = 0; i < width; i += hn::Lanes(kFloats)) {
    hn::Store(hn::MulAdd(f, hn::Load(kFloats, x + i), hn::Load(kFloats, y + i)),
              kFloats, y + i);
  }
}

// y = x + factor * y.
void ScaleAndAdd(float factor, const float* x, size_t width, float* y) {
  const auto f = hn::Set(kFloats, factor);
  for (size_t i = 0; i < width; i += hn::Lanes(kFloats)) {
    hn::Store(hn::MulAdd(f, hn::Load(kFloats, y + i), hn::Load(kFloats, x + i)),
              kFloats, y + i);
  }
}

// What a known row is multiplied with when it is added up: constant + slope *
// y.x, or the constant and the slope times the row's weight.
struct Uniform {
  float constant;
  float slope;
  float ConstantOf(size_t) const { return constant; }
  float SlopeOf(size_t) const { return slope; }
};
struct Weighted {
  // The constant is target + confidence * weight; rejected rows have none.
  float target;
  float confidence;
  float slope;
  std::span<const float> weights;
  float ConstantOf(size_t i) const {
    return weights[i] > 0 ? target + confidence * weights[i] : 0;
  }
  float SlopeOf(size_t i) const { return slope * std::abs(weights[i]); }
};

// constant + slope * y.x in all lanes, of known row `i` and the lanes of y.x.
template <typename Factor, typename Vector>
HWY_INLINE Vector Multiplier(const Factor& factor, size_t i, Vector lanes) {
  return hn::MulAdd(hn::Set(kFloats, factor.SlopeOf(i)),
                    hn::SumOfLanes(kFloats, lanes),
                    hn::Set(kFloats, factor.ConstantOf(i)));
}

// sum += (constant + slope * y.x) * y for each of four vectors y, of which the
// first is known row `i_first`.
template <typename Factor>
HWY_INLINE void AddFour(const float* const (&y)[4], const float* x,
                        const Factor& factor, size_t i_first, size_t width,
                        float* sum) {
  auto d0 = hn::Zero(kFloats), d1 = d0, d2 = d0, d3 = d0;
  for (size_t i = 0; i < width; i += hn::Lanes(kFloats)) {
    const auto v = hn::Load(kFloats, x + i);
    d0 = hn::MulAdd(v, hn::Load(kFloats, y[0] + i), d0);
    d1 = hn::MulAdd(v, hn::Load(kFloats, y[1] + i), d1);
    d2 = hn::MulAdd(v, hn::Load(kFloats, y[2] + i), d2);
    d3 = hn::MulAdd(v, hn::Load(kFloats, y[3] + i), d3);
  }
  const auto f0 = Multiplier(factor, i_first, d0);
  const auto f1 = Multiplier(factor, i_first + 1, d1);
  const auto f2 = Multiplier(factor, i_first + 2, d2);
  const auto f3 = Multiplier(factor, i_first + 3, d3);
  for (size_t i = 0; i < width; i += hn::Lanes(kFloats)) {
    auto even =
        hn::MulAdd(f0, hn::Load(kFloats, y[0] + i), hn::Load(kFloats, sum + i));
    auto odd = hn::Mul(f1, hn::Load(kFloats, y[1] + i));
    even = hn::MulAdd(f2, hn::Load(kFloats, y[2] + i), even);
    odd = hn::MulAdd(f3, hn::Load(kFloats, y[3] + i), odd);
    hn::Store(hn::Add(even, odd), kFloats, sum + i);
  }
}

// sum += (constant + slope * y.x) * y for each of the others y of `known`.
template <typename Factor>
void AddKnown(const AlsFactors& others, std::span<const uint32_t> known,
              const float* x, const Factor& factor, float* sum) {
  const size_t width = others.width;
  size_t i = 0;
  for (; i + 4 <= known.size(); i += 4) {
    const float* const y[4] = {others.Row(known[i]), others.Row(known[i + 1]),
                               others.Row(known[i + 2]),
                               others.Row(known[i + 3])};
    AddFour(y, x, factor, i, width, sum);
  }
  for (; i < known.size(); ++i) {
    const float* const y = others.Row(known[i]);
    AddScaled(factor.ConstantOf(i) + factor.SlopeOf(i) * Dot(y, x, width), y,
              width, sum);
  }
}

// One step of conjugate gradients, with p the direction, r the residual b - A
// x: x += a p, r -= a A p with a = |r|^2 / p.A p; then p = r + p |r|^2 / |old
// r|^2. `applied` holds (Y'Y) p at first, `square` is |r|^2, before and after.
void Step(const AlsSystem& system, const AlsRow& row, float* direction,
          float* applied, float* residual, float* square, float* x) {
  const size_t width = system.others.width;
  AddScaled(row.ridge, direction, width, applied);
  if (row.weights.empty()) {
    AddKnown(system.others, row.known, direction, Uniform{0, system.alpha},
             applied);
  } else {
    AddKnown(system.others, row.known, direction,
             Weighted{0, 0, system.alpha, row.weights}, applied);
  }
  const float length = *square / Dot(direction, applied, width);
  AddScaled(length, direction, width, x);
  AddScaled(-length, applied, width, residual);
  const float next_square = Dot(residual, residual, width);
  ScaleAndAdd(next_square / *square, residual, width, direction);
  *square = next_square;
}

// Computes the first residual, b - A x, which is the first direction as well.
// `residual` holds (Y'Y) x at first. Returns |r|^2.
float Begin(const AlsSystem& system, const AlsRow& row, const float* x,
            float* residual, float* direction) {
  const size_t width = system.others.width;
  const auto minus_ridge = hn::Set(kFloats, -row.ridge);
  for (size_t i = 0; i < width; i += hn::Lanes(kFloats)) {
    hn::Store(hn::MulSub(minus_ridge, hn::Load(kFloats, x + i),
                         hn::Load(kFloats, residual + i)),
              kFloats, residual + i);
  }
  if (row.weights.empty()) {
    AddKnown(system.others, row.known, x,
             Uniform{1 + system.alpha, -system.alpha}, residual);
  } else {
    AddKnown(system.others, row.known, x,
             Weighted{1, system.alpha, -system.alpha, row.weights}, residual);
  }
  ScaleAndAdd(0, residual, width, direction);
  return Dot(residual, residual, width);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tributary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tributary {
namespace {

HWY_EXPORT(Begin);
HWY_EXPORT(Step);

constexpr int kGradientSteps = 3;
// Below this |r|^2 the row is solved: the residual is rounding errors.
constexpr float kConverged = 1e-20F;

}  // namespace

AlsSolver::AlsSolver(const AlsSystem& system) : system_(system) {
  const size_t values = kMaxRows * system.others.width;
  for (auto* rows : {&residuals_, &directions_, &applied_}) {
    *rows = hwy::AllocateAligned<float>(values);
    std::fill_n(rows->get(), values, 0.0F);
  }
}

void AlsSolver::Solve(std::span<const AlsRow> rows, float* x) {
  const size_t width = system_.others.width;
  const auto times_gramian = [&](const float* vectors, float* products) {
    Multiply({vectors, rows.size(), width, width, 1}, system_.gramian.data(),
             width, products);
  };
  std::array<float, kMaxRows> squares;
  times_gramian(x, residuals_.get());
  for (size_t i = 0; i < rows.size(); ++i) {
    squares[i] = HWY_DYNAMIC_DISPATCH(Begin)(system_, rows[i], x + i * width,
                                             &residuals_[i * width],
                                             &directions_[i * width]);
  }
  for (int step = 0; step < kGradientSteps; ++step) {
    times_gramian(directions_.get(), applied_.get());
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!(squares[i] > kConverged)) continue;
      HWY_DYNAMIC_DISPATCH(Step)
      (system_, rows[i], &directions_[i * width], &applied_[i * width],
       &residuals_[i * width], &squares[i], x + i * width);
    }
  }
}

}  // namespace tributary
#endif  // HWY_ONCE
