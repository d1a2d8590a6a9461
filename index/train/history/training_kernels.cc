#include "index/train/history/training_kernels.h"

// Highway compiles the part between HWY_BEFORE_NAMESPACE and
// HWY_AFTER_NAMESPACE once for each target by including this file again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/train/history/training_kernels.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tributary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Widest = hn::CappedTag<float, 16>;
// For what does not fill a vector.
using One = hn::CappedTag<float, 1>;

template <class D>
HWY_INLINE hn::Vec<D> ExpOf(D d, hn::Vec<D> shift, float* values) {
  const auto e = hn::Exp(d, hn::Sub(hn::LoadU(d, values), shift));
  hn::StoreU(e, d, values);
  return e;
}

float ExponentiateAll(float shift, size_t n, float* values) {
  const Widest d;
  const One one;
  auto sums = hn::Zero(d);
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    sums = hn::Add(sums, ExpOf(d, hn::Set(d, shift), values + i));
  }
  float total = hn::GetLane(hn::SumOfLanes(d, sums));
  for (; i < n; ++i) {
    total += hn::GetLane(ExpOf(one, hn::Set(one, shift), values + i));
  }
  return total;
}

size_t CountGreater(float bound, const float* values, size_t n) {
  const Widest d;
  size_t count = 0;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    count +=
        hn::CountTrue(d, hn::Gt(hn::LoadU(d, values + i), hn::Set(d, bound)));
  }
  for (; i < n; ++i) count += values[i] > bound ? 1 : 0;
  return count;
}

template <class D>
HWY_INLINE void AdamAt(D d, const AdamStep& step, const float* gradient,
                       float* mean, float* square, float* parameters) {
  const auto g = hn::LoadU(d, gradient);
  const auto m = hn::MulAdd(hn::Set(d, AdamStep::kBeta1), hn::LoadU(d, mean),
                            hn::Mul(hn::Set(d, 1 - AdamStep::kBeta1), g));
  const auto s =
      hn::MulAdd(hn::Set(d, AdamStep::kBeta2), hn::LoadU(d, square),
                 hn::Mul(hn::Set(d, 1 - AdamStep::kBeta2), hn::Mul(g, g)));
  hn::StoreU(m, d, mean);
  hn::StoreU(s, d, square);
  const auto length =
      hn::Add(hn::Sqrt(hn::Mul(s, hn::Set(d, step.unbias_square))),
              hn::Set(d, AdamStep::kEpsilon));
  const auto change =
      hn::Div(hn::Mul(hn::Set(d, step.rate * step.unbias_mean), m), length);
  const auto p = hn::Mul(hn::LoadU(d, parameters), hn::Set(d, step.shrink));
  hn::StoreU(hn::Sub(p, change), d, parameters);
}

void AdamAll(const AdamStep& step, const float* gradient, size_t n, float* mean,
             float* square, float* parameters) {
  const Widest d;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    AdamAt(d, step, gradient + i, mean + i, square + i, parameters + i);
  }
  for (; i < n; ++i) {
    AdamAt(One(), step, gradient + i, mean + i, square + i, parameters + i);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tributary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tributary {
namespace {

HWY_EXPORT(ExponentiateAll);
HWY_EXPORT(CountGreater);
HWY_EXPORT(AdamAll);

}  // namespace

float Exponentiate(float shift, size_t n, float* values) {
  return HWY_DYNAMIC_DISPATCH(ExponentiateAll)(shift, n, values);
}

size_t CountAbove(float bound, const float* values, size_t n) {
  return HWY_DYNAMIC_DISPATCH(CountGreater)(bound, values, n);
}

void ApplyAdam(const AdamStep& step, const float* gradient, size_t n,
               float* mean, float* square, float* parameters) {
  HWY_DYNAMIC_DISPATCH(AdamAll)(step, gradient, n, mean, square, parameters);
}

}  // namespace tributary
#endif  // HWY_ONCE
