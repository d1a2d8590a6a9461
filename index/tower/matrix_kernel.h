#ifndef TRIBUTARY_INDEX_TOWER_MATRIX_KERNEL_H_
#define TRIBUTARY_INDEX_TOWER_MATRIX_KERNEL_H_

#include <cstddef>

namespace tributary {

// Kernels in float32, with the widest SIMD instructions that the processor has
// (Highway, chosen at run time). Thread-safe; they read and write nothing
// beyond the sizes given.

// A linear layer: outputs = inputs W + bias, row by row. `inputs` is [rows,
// in], `weights` is W, [in, out], and `outputs`, [rows, out], overlaps no other
// array. W is stored transposed to PyTorch's, so that an input multiplies a
// contiguous row of W.
void MultiplyRows(const float* inputs, size_t rows, size_t in,
                  const float* weights, const float* bias, size_t out,
                  float* outputs);

// Replace each of n values x, with an error of about 1e-6, by 1 / (1 + e^-x),
// by tanh x and by e^x. Exp gives 0 for x below -87. REQUIRES for Exp: x <= 88.
void Sigmoid(float* values, size_t n);
void Tanh(float* values, size_t n);
void Exp(float* values, size_t n);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TOWER_MATRIX_KERNEL_H_
