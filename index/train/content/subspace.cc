#include "index/train/content/subspace.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "Eigen/Eigenvalues"
#include "index/data/random.h"
#include "index/parallel/parallel_for.h"
#include "index/search/dense_product.h"

namespace tributary {
namespace {

constexpr uint32_t kIterations = 4;
// Oversampling: directions that are iterated too and dropped at the end. They
// speed up the convergence of the last directions that are kept.
constexpr uint32_t kOversampling = 16;
constexpr uint64_t kRowsPerPiece = 1024;
// Squared lengths below this share of the largest are rounding.
constexpr double kSmallest = 1e-10;
// One in this many columns of the result is a singular direction. Measured on
// `debian`: recall@500 of content alone with 128 columns is .26 if all are
// (details of single items are lost), .32 if none is, and .35 with 1 in 8.
constexpr Eigen::Index kExactOneIn = 8;

DenseRows MultiplyDense(const DenseRows& left, const DenseRows& right,
                        uint32_t threads) {
  DenseRows product(left.rows(), right.cols());
  ParallelFor(left.rows(), kRowsPerPiece, threads,
              [&](uint64_t begin, uint64_t end) {
                product.middleRows(begin, end - begin).noalias() =
                    left.middleRows(begin, end - begin) * right;
              });
  return product;
}

// Replaces the columns of `rows` with an orthonormal basis of their span, the
// strongest direction first. Columns beyond the dimension of the span become 0.
DenseRows Orthonormal(const DenseRows& rows, uint32_t threads) {
  const std::vector<double> gramian =
      Gramian(rows.data(), rows.rows(), rows.cols(), threads);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(
      Eigen::Map<const Eigen::MatrixXd>(gramian.data(), rows.cols(),
                                        rows.cols()));
  const Eigen::VectorXd& squares = solver.eigenvalues();  // ascending
  const Eigen::Index k = squares.size();
  DenseRows turn = DenseRows::Zero(k, k);
  for (Eigen::Index i = 0; i < k; ++i) {
    const Eigen::Index from = k - 1 - i;
    if (!(squares(from) > kSmallest * squares(k - 1))) break;
    turn.col(i) = (solver.eigenvectors().col(from) / std::sqrt(squares(from)))
                      .cast<float>();
  }
  return MultiplyDense(rows, turn, threads);
}

DenseRows RandomColumns(Eigen::Index rows, Eigen::Index columns, double scale,
                        Random* random) {
  DenseRows matrix(rows, columns);
  for (float& x : matrix.reshaped<Eigen::RowMajor>()) {
    x = static_cast<float>(scale * random->Normal());
  }
  return matrix;
}

// The `rank` leading right singular vectors of `terms`, as columns.
DenseRows StrongestDirections(const SparseRows& terms, Eigen::Index rank,
                              uint32_t threads, const Progress& progress,
                              Random* random) {
  const SparseRows transposed = terms.transpose();
  DenseRows basis = RandomColumns(
      terms.cols(), std::min<Eigen::Index>(rank + kOversampling, terms.cols()),
      1, random);
  for (uint32_t i = 0; i < kIterations; ++i) {
    progress("content", static_cast<double>(i) / kIterations);
    basis = Orthonormal(
        Multiply(transposed, Multiply(terms, basis, threads), threads),
        threads);
  }
  return basis.leftCols(rank);
}

}  // namespace

DenseRows Multiply(const SparseRows& sparse, const DenseRows& dense,
                   uint32_t threads) {
  DenseRows product(sparse.rows(), dense.cols());
  ParallelFor(sparse.rows(), kRowsPerPiece, threads,
              [&](uint64_t begin, uint64_t end) {
                for (auto i = static_cast<Eigen::Index>(begin);
                     i < static_cast<Eigen::Index>(end); ++i) {
                  product.row(i).setZero();
                  for (SparseRows::InnerIterator it(sparse, i); it; ++it) {
                    product.row(i) += it.value() * dense.row(it.col());
                  }
                }
              });
  return product;
}

DenseRows FindSubspace(const SparseRows& terms, uint32_t dim, uint64_t seed,
                       uint32_t threads, const Progress& progress) {
  Random random(seed);
  const auto rank = std::min<Eigen::Index>(
      terms.cols() <= dim ? dim : (dim + kExactOneIn - 1) / kExactOneIn,
      terms.cols());
  const Eigen::Index sketched = terms.cols() <= dim ? 0 : dim - rank;
  const DenseRows strong =
      StrongestDirections(terms, rank, threads, progress, &random);
  DenseRows sketch = RandomColumns(
      terms.cols(), sketched,
      sketched == 0 ? 0 : 1 / std::sqrt(static_cast<double>(sketched)),
      &random);
  const DenseRows overlap = strong.transpose() * sketch;
  sketch -= MultiplyDense(strong, overlap, threads);
  DenseRows directions = DenseRows::Zero(terms.cols(), dim);
  directions.leftCols(rank) = strong;
  directions.middleCols(rank, sketched) = sketch;
  progress("content", 1);
  return directions;
}

}  // namespace tributary
