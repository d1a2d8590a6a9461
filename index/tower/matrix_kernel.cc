#include "index/tower/matrix_kernel.h"

// Highway compiles the part between HWY_BEFORE_NAMESPACE and
// HWY_AFTER_NAMESPACE once for each target by including this file again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/tower/matrix_kernel.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tributary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Rows and columns of a product.
struct Shape {
  size_t in;
  size_t out;
};

// A block of the product: kRows rows of `inputs`, times kVectors SIMD vectors
// of columns from column `begin` on. The kRows * kVectors independent sums hide
// the latency of multiply-add instructions.
template <size_t kRows, size_t kVectors, class D>
HWY_INLINE void MultiplyBlock(D d, const float* inputs, const float* weights,
                              const float* bias, Shape shape, size_t begin,
                              float* outputs) {
  const size_t lanes = hn::Lanes(d);
  hn::Vec<D> sums[kRows][kVectors];
  // Unrolled, so that the sums stay in registers even at -O2.
  HWY_UNROLL(8)
  for (size_t v = 0; v < kVectors; ++v) {
    HWY_UNROLL(8)
    for (size_t r = 0; r < kRows; ++r) {
      sums[r][v] = hn::LoadU(d, bias + begin + v * lanes);
    }
  }
  for (size_t i = 0; i < shape.in; ++i) {
    const float* const row = weights + i * shape.out + begin;
    HWY_UNROLL(8)
    for (size_t v = 0; v < kVectors; ++v) {
      const auto w = hn::LoadU(d, row + v * lanes);
      HWY_UNROLL(8)
      for (size_t r = 0; r < kRows; ++r) {
        sums[r][v] =
            hn::MulAdd(hn::Set(d, inputs[r * shape.in + i]), w, sums[r][v]);
      }
    }
  }
  HWY_UNROLL(8)
  for (size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(8)
    for (size_t v = 0; v < kVectors; ++v) {
      hn::StoreU(sums[r][v], d, outputs + r * shape.out + begin + v * lanes);
    }
  }
}

template <size_t kRows>
HWY_INLINE void MultiplySome(const float* inputs, const float* weights,
                             const float* bias, Shape shape, float* outputs) {
  constexpr size_t kVectors = kRows == 1 ? 8 : 2;
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t column = 0;
  for (; column + kVectors * lanes <= shape.out; column += kVectors * lanes) {
    MultiplyBlock<kRows, kVectors>(d, inputs, weights, bias, shape, column,
                                   outputs);
  }
  for (; column + lanes <= shape.out; column += lanes) {
    MultiplyBlock<kRows, 1>(d, inputs, weights, bias, shape, column, outputs);
  }
  const hn::CappedTag<float, 1> one;
  for (; column < shape.out; ++column) {
    MultiplyBlock<kRows, 1>(one, inputs, weights, bias, shape, column, outputs);
  }
}

void MultiplyAll(const float* inputs, size_t rows, size_t in,
                 const float* weights, const float* bias, size_t out,
                 float* outputs) {
  const Shape shape{in, out};
  size_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    MultiplySome<4>(inputs + row * in, weights, bias, shape,
                    outputs + row * out);
  }
  for (; row < rows; ++row) {
    MultiplySome<1>(inputs + row * in, weights, bias, shape,
                    outputs + row * out);
  }
}

template <class Function>
HWY_INLINE void ForEach(float* values, size_t n, const Function& function) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    hn::StoreU(function(d, hn::LoadU(d, values + i)), d, values + i);
  }
  const hn::CappedTag<float, 1> one;
  for (; i < n; ++i) {
    hn::StoreU(function(one, hn::LoadU(one, values + i)), one, values + i);
  }
}

// For larger |x| tanh x does not change in the last bit; clamping keeps e^2x
// finite.
constexpr float kFarEnough = 20;

void SigmoidAll(float* values, size_t n) {
  ForEach(values, n, [](auto d, auto x) HWY_ATTR {
    const auto one = hn::Set(d, 1.0F);
    const auto limit = hn::Set(d, 80.0F);
    x = hn::Clamp(x, hn::Neg(limit), limit);
    return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Neg(x))));
  });
}

void TanhAll(float* values, size_t n) {
  ForEach(values, n, [](auto d, auto x) HWY_ATTR {
    const auto one = hn::Set(d, 1.0F);
    const auto limit = hn::Set(d, kFarEnough);
    x = hn::Clamp(x, hn::Neg(limit), limit);
    const auto e = hn::Exp(d, hn::Add(x, x));
    return hn::Div(hn::Sub(e, one), hn::Add(e, one));
  });
}

void ExpAll(float* values, size_t n) {
  ForEach(values, n, [](auto d, auto x) HWY_ATTR { return hn::Exp(d, x); });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tributary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tributary {
namespace {

HWY_EXPORT(MultiplyAll);
HWY_EXPORT(SigmoidAll);
HWY_EXPORT(TanhAll);
HWY_EXPORT(ExpAll);

}  // namespace

void MultiplyRows(const float* inputs, size_t rows, size_t in,
                  const float* weights, const float* bias, size_t out,
                  float* outputs) {
  HWY_DYNAMIC_DISPATCH(MultiplyAll)
  (inputs, rows, in, weights, bias, out, outputs);
}

void Sigmoid(float* values, size_t n) {
  HWY_DYNAMIC_DISPATCH(SigmoidAll)(values, n);
}

void Tanh(float* values, size_t n) { HWY_DYNAMIC_DISPATCH(TanhAll)(values, n); }

void Exp(float* values, size_t n) { HWY_DYNAMIC_DISPATCH(ExpAll)(values, n); }

}  // namespace tributary
#endif  // HWY_ONCE
