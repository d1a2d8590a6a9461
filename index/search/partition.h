#ifndef TRIBUTARY_INDEX_SEARCH_PARTITION_H_
#define TRIBUTARY_INDEX_SEARCH_PARTITION_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary {

// Vectors divided into lists, each around its centroid.
struct Partition {
  // [lists, dim].
  std::vector<float> centroids;
  // By vector, its list: that of the nearest centroid (L2).
  std::vector<uint32_t> list_of;
};

// k-means (Lloyd) into `lists` lists, some of which may be empty. `values` is
// [vectors, dim]. Ours, as Debian's FAISS takes several times as long, and so
// that the answer does not depend on the number of threads. INVALID_ARGUMENT
// unless there are as many vectors as lists, and one.
absl::StatusOr<Partition> DivideIntoLists(std::span<const float> values,
                                          uint32_t dim, uint32_t lists,
                                          uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_PARTITION_H_
