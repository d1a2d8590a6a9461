#ifndef TRIBUTARY_INDEX_SEARCH_NEAREST_H_
#define TRIBUTARY_INDEX_SEARCH_NEAREST_H_

#include <cstdint>
#include <span>

namespace tributary {

// Writes, for each of `values` ([count, dim]), the number of the nearest (L2)
// of `centroids` ([*, dim], at least one), the first of equally near ones. Runs
// the widest SIMD instructions that the processor has; what is decided by the
// last bits of a distance depends on them, not on the number of threads.
void FindNearest(std::span<const float> values,
                 std::span<const float> centroids, uint32_t dim,
                 uint32_t threads, uint32_t* nearest);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_NEAREST_H_
