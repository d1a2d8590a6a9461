#ifndef TRIBUTARY_INDEX_TRAIN_CONTENT_SUBSPACE_H_
#define TRIBUTARY_INDEX_TRAIN_CONTENT_SUBSPACE_H_

#include <cstdint>

#include "Eigen/Core"
#include "index/train/content/term_matrix.h"
#include "index/train/progress.h"

namespace tributary {

using DenseRows =
    Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Returns a matrix P [terms.cols(), dim] such that the rows of `terms` * P have
// about the same inner products as the rows of `terms`. Some columns of P are
// the leading singular directions, found by randomised subspace iteration
// (Halko, Martinsson, Tropp 2011). The others are a random projection of the
// remainder (Johnson and Lindenstrauss 1984). With at most `dim` terms, inner
// products are exact and unused columns are 0. The result does not depend on
// `threads`.
DenseRows FindSubspace(const SparseRows& terms, uint32_t dim, uint64_t seed,
                       uint32_t threads, const Progress& progress);

DenseRows Multiply(const SparseRows& sparse, const DenseRows& dense,
                   uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_CONTENT_SUBSPACE_H_
