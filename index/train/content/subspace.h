#ifndef TRIBUTARY_INDEX_TRAIN_CONTENT_SUBSPACE_H_
#define TRIBUTARY_INDEX_TRAIN_CONTENT_SUBSPACE_H_

#include <cstdint>

#include "Eigen/Core"
#include "index/parallel/progress.h"
#include "index/train/content/term_matrix.h"

namespace tributary {

using DenseRows =
    Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// A matrix [terms.cols(), dim] that shortens the rows of `terms` to `dim`
// numbers so that their inner products stay about the same: the directions in
// which rows are longest exactly, by randomised subspace iteration (Halko,
// Martinsson, Tropp 2011), and what is left of each row as a random projection
// (Johnson and Lindenstrauss 1984). With at most `dim` terms everything is
// exact, and further columns are 0. The result does not depend on `threads`.
DenseRows FindSubspace(const SparseRows& terms, uint32_t dim, uint64_t seed,
                       uint32_t threads, const Progress& progress);

DenseRows Multiply(const SparseRows& sparse, const DenseRows& dense,
                   uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_CONTENT_SUBSPACE_H_
