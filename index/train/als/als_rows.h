#ifndef TRIBUTARY_INDEX_TRAIN_ALS_ALS_ROWS_H_
#define TRIBUTARY_INDEX_TRAIN_ALS_ALS_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hwy/aligned_allocator.h"

namespace tributary {

// One side's factors: rows of `width` values each, end to end and aligned. The
// width is the dimension, rounded up to a multiple of kAlsLanes; what is beyond
// the dimension is 0 and stays 0.
inline constexpr size_t kAlsLanes = 16;
struct AlsFactors {
  size_t rows = 0;
  size_t width = 0;
  hwy::AlignedFreeUniquePtr<float[]> values;

  float* Row(size_t i) const { return &values[i * width]; }
};

// What the rows of one side are solved against. Views: all must outlive it.
struct AlsSystem {
  const AlsFactors& others;
  // [width, width]: the sum of the outer products of all others.
  std::span<const float> gramian;
  float alpha;
};

// A row's system: it minimises over x the squared error of y.x against 1 for
// the others y of `known`, weighted 1 + alpha, and against 0, weighted 1, for
// all others; plus `ridge` times x's square.
struct AlsRow {
  std::span<const uint32_t> known;
  float ridge;
};

// Solves a number of rows at a time: their products with the Gramian are then
// one product of matrices. Not thread-safe: one for each thread.
class AlsSolver {
 public:
  static constexpr size_t kMaxRows = 16;

  // `system` must outlive this.
  explicit AlsSolver(const AlsSystem& system);

  // Moves the vectors at `x`, one of `width` values for each of `rows`, a few
  // steps of conjugate gradients towards the solution. REQUIRES: at most
  // kMaxRows rows.
  void Solve(std::span<const AlsRow> rows, float* x);

 private:
  const AlsSystem& system_;
  // [kMaxRows, width] each.
  hwy::AlignedFreeUniquePtr<float[]> residuals_, directions_, applied_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_ALS_ALS_ROWS_H_
