// The inner loop of ALS: solving for one side's vectors while the other side's
// are fixed.
//
// A user's vector x minimises, over items i with vectors y_i,
//
//   sum over known i of (1 + alpha) (1 - x.y_i)^2
//     + sum over all other i of (x.y_i)^2  +  ridge |x|^2,
//
// and an item's the same with the sides exchanged (Hu, Koren, Volinsky,
// "Collaborative Filtering for Implicit Feedback Datasets", 2008). Setting the
// gradient to zero gives the linear system A x = b with
//
//   A = Y'Y + alpha * sum over known i of y_i y_i' + ridge I,
//   b = (1 + alpha) * sum over known i of y_i.
//
// Weights. A known row of weight w has alpha * w in place of alpha, and one of
// a weight below 0 has been rejected: it has alpha * |w|, and 0 in place of 1
// as what x.y should be.
//
// The Gramian Y'Y is the same for all rows and computed once. A is never
// formed: a few steps of conjugate gradients need its product with a vector p
// only,
//
//   A p = (Y'Y) p + alpha * sum over known i of (y_i.p) y_i + ridge p,
//
// in O(dim^2 + known * dim) instead of the O(dim^3) of an exact solution. The
// steps begin at the row's last solution, so that three of them lose nothing
// over the iterations of training (Takács, Pilászy, Tikk, "Applications of the
// Conjugate Gradient Method for Implicit Feedback Collaborative Filtering",
// 2011). Of the product only (Y'Y) p is dense: for 16 rows at a time it is one
// product of matrices.
#ifndef TRIBUTARY_INDEX_TRAIN_ALS_ALS_ROWS_H_
#define TRIBUTARY_INDEX_TRAIN_ALS_ALS_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hwy/aligned_allocator.h"

namespace tributary {

// One side's factors: rows of `width` values each, end to end and aligned. The
// width is the dimension, rounded up to a multiple of kAlsLanes; values beyond
// the dimension are 0 and stay 0.
inline constexpr size_t kAlsLanes = 16;
struct AlsFactors {
  size_t rows = 0;
  size_t width = 0;
  hwy::AlignedFreeUniquePtr<float[]> values;

  float* Row(size_t i) const { return &values[i * width]; }
};

// The fixed side, which rows are solved against. Views what it names.
struct AlsSystem {
  const AlsFactors& others;
  // [width, width]: the sum of the outer products of all others.
  std::span<const float> gramian;
  float alpha;
};

// A row's own part of its system: the rows of the fixed side that it interacts
// with, the factor of |x|^2, and the known rows' weights; without weights all
// are 1.
struct AlsRow {
  std::span<const uint32_t> known;
  float ridge;
  std::span<const float> weights = {};
};

// Solves several rows at a time. Not thread-safe: each thread needs its own.
class AlsSolver {
 public:
  static constexpr size_t kMaxRows = 16;

  // `system` must outlive this.
  explicit AlsSolver(const AlsSystem& system);

  // Moves the vectors at `x`, `width` values for each of `rows`, three steps of
  // conjugate gradients towards the solution. REQUIRES: at most kMaxRows rows.
  void Solve(std::span<const AlsRow> rows, float* x);

 private:
  const AlsSystem& system_;
  // [kMaxRows, width] each.
  hwy::AlignedFreeUniquePtr<float[]> residuals_, directions_, applied_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_ALS_ALS_ROWS_H_
