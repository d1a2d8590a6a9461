#ifndef TRIBUTARY_INDEX_SEARCH_PARTITION_H_
#define TRIBUTARY_INDEX_SEARCH_PARTITION_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary {

// Vectors divided into lists, each around a centroid: the coarse quantiser of
// an inverted file (IVFADC in Jégou, Douze, Schmid 2011).
struct Partition {
  // [lists, dim].
  std::vector<float> centroids;
  // [vectors]: the list of each vector, that of its nearest centroid (L2).
  std::vector<uint32_t> list_of;
};

// k-means by Lloyd's algorithm: alternately assigns each vector to its nearest
// centroid and moves each centroid to the mean of its vectors,
//
//   list(x) = argmin over l of |x - c_l|^2,   c_l = mean of {x : list(x) = l}
//
// for ten rounds, on a sample of up to 128 vectors per list. Centroids begin as
// vectors at even distances in the sample, not drawn as by k-means++. A
// centroid that lost all its vectors is put beside that of the largest list,
// which the two then share. At the end all vectors are assigned; lists may
// still be empty.
//
// `values` is [vectors, dim]. Debian's FAISS would do this too, but takes
// several times as long. The result does not depend on the number of threads.
// INVALID_ARGUMENT unless 1 <= lists <= vectors.
absl::StatusOr<Partition> DivideIntoLists(std::span<const float> values,
                                          uint32_t dim, uint32_t lists,
                                          uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_PARTITION_H_
