#ifndef TRIBUTARY_INDEX_SEARCH_DENSE_PRODUCT_H_
#define TRIBUTARY_INDEX_SEARCH_DENSE_PRODUCT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tributary {

// A view of a matrix, which may be transposed: element (i, k) is
// values[i * row_stride + k * column_stride].
struct StridedMatrix {
  const float* values;
  size_t rows;
  size_t columns;
  size_t row_stride;
  size_t column_stride;
};

// The matrix product: product[i][j] = sum over k of a(i, k) * b[k][j]. `b` is
// [a.columns, columns] and `product` [a.rows, columns], both stored row after
// row. Runs the widest SIMD instructions that the processor has (Highway,
// chosen at run time); the last bits depend on them. Thread-safe. REQUIRES:
// `product` overlaps neither factor.
void Multiply(const StridedMatrix& a, const float* b, size_t columns,
              float* product);

// The Gram matrix V^T V, [columns, columns], of V, which is [rows, columns] and
// stored row after row: the sum of the outer products of its rows. The order of
// summation does not depend on the number of threads.
std::vector<double> Gramian(const float* values, uint64_t rows, size_t columns,
                            uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_DENSE_PRODUCT_H_
