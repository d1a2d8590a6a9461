#ifndef TRIBUTARY_INDEX_SEARCH_DOT_KERNEL_H_
#define TRIBUTARY_INDEX_SEARCH_DOT_KERNEL_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "index/bundle/npy.h"

namespace tributary {

// Writes to scores[i] the inner product of `query` and the i-th of `count`
// vectors of query.size() values each, stored end to end at `vectors`. Sums are
// float32; their order, and with it the last bits, depends on the processor.
// Runs the widest SIMD instructions that the processor has (Highway, chosen at
// run time). Thread-safe; never reads outside of the vectors.
void DotProducts(std::span<const float> query, const float* vectors,
                 size_t count, float* scores);
void DotProducts(std::span<const float> query, const Half* vectors,
                 size_t count, float* scores);

// Writes to scores[i] the inner product of `query` and vector positions[i]. The
// positions may be in any order; the vectors are prefetched.
void DotProductsAt(std::span<const float> query, const float* vectors,
                   std::span<const uint32_t> positions, float* scores);
void DotProductsAt(std::span<const float> query, const Half* vectors,
                   std::span<const uint32_t> positions, float* scores);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_DOT_KERNEL_H_
