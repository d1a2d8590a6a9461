#include "index/tower/accumulate.h"

// Highway compiles the part between HWY_BEFORE_NAMESPACE and
// HWY_AFTER_NAMESPACE once for each target by including this file again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/tower/accumulate.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tributary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> LoadWide(D d, const float* values) {
  return hn::LoadU(d, values);
}

template <class D>
HWY_INLINE hn::Vec<D> LoadWide(D d, const Half* values) {
  const hn::Rebind<hwy::float16_t, D> half;
  return hn::PromoteTo(
      d, hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(values)));
}

template <typename T>
HWY_INLINE void AddAll(float weight, const T* values, size_t n, float* sums) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto w = hn::Set(d, weight);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(hn::MulAdd(w, LoadWide(d, values + i), hn::LoadU(d, sums + i)),
               d, sums + i);
  }
  const hn::CappedTag<float, 1> one;
  for (; i < n; ++i) {
    hn::StoreU(hn::MulAdd(hn::Set(one, weight), LoadWide(one, values + i),
                          hn::LoadU(one, sums + i)),
               one, sums + i);
  }
}

void AddFloats(float weight, const float* values, size_t n, float* sums) {
  AddAll(weight, values, n, sums);
}

void AddHalves(float weight, const Half* values, size_t n, float* sums) {
  AddAll(weight, values, n, sums);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tributary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tributary {
namespace {

HWY_EXPORT(AddFloats);
HWY_EXPORT(AddHalves);

}  // namespace

void AddScaled(float weight, const float* values, size_t n, float* sums) {
  HWY_DYNAMIC_DISPATCH(AddFloats)(weight, values, n, sums);
}

void AddScaled(float weight, const Half* values, size_t n, float* sums) {
  HWY_DYNAMIC_DISPATCH(AddHalves)(weight, values, n, sums);
}

}  // namespace tributary
#endif  // HWY_ONCE
