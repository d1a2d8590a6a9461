#ifndef TRIBUTARY_INDEX_TOWER_ACCUMULATE_H_
#define TRIBUTARY_INDEX_TOWER_ACCUMULATE_H_

#include <cstddef>

#include "index/bundle/npy.h"

namespace tributary {

// sums[i] += weight * values[i] for i below n, in float32, with the widest SIMD
// instructions that the processor has (Highway, chosen at run time). The last
// bit depends on whether the processor has a fused multiply-add. Thread-safe;
// reads and writes nothing beyond n.
void AddScaled(float weight, const float* values, size_t n, float* sums);
void AddScaled(float weight, const Half* values, size_t n, float* sums);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TOWER_ACCUMULATE_H_
