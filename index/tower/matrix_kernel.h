#ifndef TRIBUTARY_INDEX_TOWER_MATRIX_KERNEL_H_
#define TRIBUTARY_INDEX_TOWER_MATRIX_KERNEL_H_

#include <cstddef>

namespace tributary {

// With the widest SIMD instructions that the processor has (Highway, chosen at
// run time), in float32. Thread-safe; read and write nothing beyond the sizes.

// outputs[r] = bias + inputs[r] W for `rows` rows of `in` values: W is
// [in, out], so that an input adds its row of W to the outputs. `outputs`,
// [rows, out], overlaps nothing else.
void MultiplyRows(const float* inputs, size_t rows, size_t in,
                  const float* weights, const float* bias, size_t out,
                  float* outputs);

// Of each of n values, in place, to about 1e-6: 1 / (1 + e^-x); tanh x; and
// e^x, 0 below -87. REQUIRES for e^x: x <= 88.
void Sigmoid(float* values, size_t n);
void Tanh(float* values, size_t n);
void Exp(float* values, size_t n);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TOWER_MATRIX_KERNEL_H_
