#ifndef TRIBUTARY_INDEX_SEARCH_NEAREST_H_
#define TRIBUTARY_INDEX_SEARCH_NEAREST_H_

#include <cstdint>
#include <span>

namespace tributary {

// Writes, for each vector of `values` ([count, dim]), the index of the nearest
// (L2) of `centroids` ([*, dim], at least one); of equally near ones the first.
// Runs on `threads` threads, with the widest SIMD instructions that the
// processor has. They affect the last bits of a distance, and so which of two
// nearly equidistant centroids is found; the number of threads does not.
void FindNearest(std::span<const float> values,
                 std::span<const float> centroids, uint32_t dim,
                 uint32_t threads, uint32_t* nearest);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_NEAREST_H_
