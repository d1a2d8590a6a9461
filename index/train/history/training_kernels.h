#ifndef TRIBUTARY_INDEX_TRAIN_HISTORY_TRAINING_KERNELS_H_
#define TRIBUTARY_INDEX_TRAIN_HISTORY_TRAINING_KERNELS_H_

#include <cstddef>

namespace tributary {

// Inner loops of training by gradients, float32, with the widest SIMD
// instructions that the processor has (Highway, chosen at run time); the last
// bits depend on them. Thread-safe.

// Replaces each of `values` with exp(value - shift) and returns their sum.
float Exponentiate(float shift, size_t n, float* values);

// How many of `values` are greater than `bound`.
size_t CountAbove(float bound, const float* values, size_t n);

// A step of Adam (Kingma, Ba 2015) with decoupled weight decay (Loshchilov,
// Hutter 2019).
struct AdamStep {
  static constexpr float kBeta1 = 0.9F;
  static constexpr float kBeta2 = 0.99F;
  static constexpr float kEpsilon = 1e-8F;

  float rate = 0;
  // Parameters are first multiplied by this: 1 - rate * weight decay.
  float shrink = 1;
  // 1 / (1 - beta^steps): the moments began at zero.
  float unbias_mean = 1;
  float unbias_square = 1;
};

// Updates n parameters and their moments.
void ApplyAdam(const AdamStep& step, const float* gradient, size_t n,
               float* mean, float* square, float* parameters);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_HISTORY_TRAINING_KERNELS_H_
