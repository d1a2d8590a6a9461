#ifndef TRIBUTARY_INDEX_SEARCH_DENSE_PRODUCT_H_
#define TRIBUTARY_INDEX_SEARCH_DENSE_PRODUCT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tributary {

// A view of a matrix: element (i, k) is values[i * row_stride + k *
// column_stride], so that it may be a transposed one. Does not own `values`.
struct StridedMatrix {
  const float* values;
  size_t rows;
  size_t columns;
  size_t row_stride;
  size_t column_stride;
};

// product[i][j] = sum over k of a(i, k) * b[k][j], for j below `columns`; rows
// of b and of the product are `columns` long, end to end. Runs the widest SIMD
// instructions that the processor has (Highway, chosen at run time); the last
// bits depend on them. Thread-safe. REQUIRES: the product overlaps neither.
void Multiply(const StridedMatrix& a, const float* b, size_t columns,
              float* product);

// The sum of the outer products of rows of `columns` values each, stored end to
// end: [columns, columns]. Summed in an order that does not depend on the
// number of threads.
std::vector<double> Gramian(const float* values, uint64_t rows, size_t columns,
                            uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_DENSE_PRODUCT_H_
