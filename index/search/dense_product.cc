#include "index/search/dense_product.h"

#include <algorithm>
#include <type_traits>

#include "index/parallel/parallel_for.h"

// Highway compiles the part between HWY_BEFORE_NAMESPACE and
// HWY_AFTER_NAMESPACE once for each target by including this file again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/search/dense_product.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tributary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// The product is computed in tiles of four rows and two SIMD vectors of
// columns, whose eight sums stay in registers while k runs. Where a tile would
// reach beyond the end of the matrix, its rows or columns are moved back: some
// elements are then computed twice, with the same result.
struct Tile {
  size_t rows[4];
  size_t columns[2];
};

template <class D>
HWY_INLINE void MultiplyTile(D d, const StridedMatrix& a, const float* b,
                             size_t columns, const Tile& tile, float* product) {
  const float* const a0 = a.values + tile.rows[0] * a.row_stride;
  const float* const a1 = a.values + tile.rows[1] * a.row_stride;
  const float* const a2 = a.values + tile.rows[2] * a.row_stride;
  const float* const a3 = a.values + tile.rows[3] * a.row_stride;
  const float* const b0 = b + tile.columns[0];
  const float* const b1 = b + tile.columns[1];
  auto s00 = hn::Zero(d), s01 = s00, s10 = s00, s11 = s00;
  auto s20 = s00, s21 = s00, s30 = s00, s31 = s00;
  for (size_t k = 0; k < a.columns; ++k) {
    const auto v0 = hn::LoadU(d, b0 + k * columns);
    const auto v1 = hn::LoadU(d, b1 + k * columns);
    const size_t at = k * a.column_stride;
    const auto x0 = hn::Set(d, a0[at]), x1 = hn::Set(d, a1[at]);
    const auto x2 = hn::Set(d, a2[at]), x3 = hn::Set(d, a3[at]);
    s00 = hn::MulAdd(x0, v0, s00);
    s01 = hn::MulAdd(x0, v1, s01);
    s10 = hn::MulAdd(x1, v0, s10);
    s11 = hn::MulAdd(x1, v1, s11);
    s20 = hn::MulAdd(x2, v0, s20);
    s21 = hn::MulAdd(x2, v1, s21);
    s30 = hn::MulAdd(x3, v0, s30);
    s31 = hn::MulAdd(x3, v1, s31);
  }
  const auto store = [&](size_t row, hn::Vec<D> s0, hn::Vec<D> s1) HWY_ATTR {
    hn::StoreU(s0, d, product + row * columns + tile.columns[0]);
    hn::StoreU(s1, d, product + row * columns + tile.columns[1]);
  };
  store(tile.rows[0], s00, s01);
  store(tile.rows[1], s10, s11);
  store(tile.rows[2], s20, s21);
  store(tile.rows[3], s30, s31);
}

// A matrix with fewer columns than a SIMD vector has lanes is multiplied with
// narrower vectors.
template <class D>
void MultiplyAll(D d, const StridedMatrix& a, const float* b, size_t columns,
                 float* product) {
  const size_t lanes = hn::Lanes(d);
  if (columns < lanes) {
    using Narrower = std::conditional_t<(hn::MaxLanes(D()) > 4), hn::Half<D>,
                                        hn::CappedTag<float, 1>>;
    return MultiplyAll(Narrower(), a, b, columns, product);
  }
  for (size_t i = 0; i < a.rows; i += 4) {
    const size_t last = a.rows - 1;
    for (size_t j = 0; j < columns; j += 2 * lanes) {
      const Tile tile = {
          {i, std::min(i + 1, last), std::min(i + 2, last),
           std::min(i + 3, last)},
          {std::min(j, columns - lanes), std::min(j + lanes, columns - lanes)}};
      MultiplyTile(d, a, b, columns, tile, product);
    }
  }
}

void MultiplyWidest(const StridedMatrix& a, const float* b, size_t columns,
                    float* product) {
  MultiplyAll(hn::CappedTag<float, 16>(), a, b, columns, product);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tributary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tributary {
namespace {

HWY_EXPORT(MultiplyWidest);

constexpr uint64_t kRowsPerPiece = 4096;
// Few enough rows to stay in the first-level cache.
constexpr uint64_t kRowsPerBlock = 128;

}  // namespace

void Multiply(const StridedMatrix& a, const float* b, size_t columns,
              float* product) {
  if (columns == 0) return;
  HWY_DYNAMIC_DISPATCH(MultiplyWidest)(a, b, columns, product);
}

std::vector<double> Gramian(const float* values, uint64_t rows, size_t columns,
                            uint32_t threads) {
  std::vector<std::vector<double>> sums((rows + kRowsPerPiece - 1) /
                                        kRowsPerPiece);
  ParallelFor(rows, kRowsPerPiece, threads, [&](uint64_t begin, uint64_t end) {
    std::vector<double>& sum = sums[begin / kRowsPerPiece];
    sum.resize(columns * columns);
    std::vector<float> part(columns * columns);
    for (uint64_t row = begin; row < end; row += kRowsPerBlock) {
      const float* const block = values + row * columns;
      const uint64_t length = std::min(kRowsPerBlock, end - row);
      Multiply({block, columns, length, 1, columns}, block, columns,
               part.data());
      for (size_t i = 0; i < part.size(); ++i) sum[i] += part[i];
    }
  });
  std::vector<double> total(columns * columns);
  for (const std::vector<double>& sum : sums) {
    for (size_t i = 0; i < total.size(); ++i) total[i] += sum[i];
  }
  return total;
}

}  // namespace tributary
#endif  // HWY_ONCE
