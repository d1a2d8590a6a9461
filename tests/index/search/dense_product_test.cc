#include "index/search/dense_product.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

std::vector<float> RandomValues(size_t n, uint32_t seed) {
  return RandomVectors(n, 1, seed);
}

double Element(const StridedMatrix& a, const std::vector<float>& b,
               size_t columns, size_t i, size_t j) {
  double sum = 0;
  for (size_t k = 0; k < a.columns; ++k) {
    sum +=
        static_cast<double>(a.values[i * a.row_stride + k * a.column_stride]) *
        b[k * columns + j];
  }
  return sum;
}

TEST(Multiply, IsTheProductForEveryShape) {
  for (const size_t rows : {1, 3, 4, 7}) {
    for (const size_t inner : {1, 5}) {
      const std::vector<float> values = RandomValues(rows * inner, 1);
      for (size_t columns = 1; columns <= 70; ++columns) {
        const std::vector<float> b = RandomValues(inner * columns, 2);
        for (const StridedMatrix& a :
             {StridedMatrix{values.data(), rows, inner, inner, 1},
              StridedMatrix{values.data(), rows, inner, 1, rows}}) {
          std::vector<float> product(rows * columns + 1, 1e9F);
          Multiply(a, b.data(), columns, product.data());
          for (size_t i = 0; i < rows; ++i) {
            for (size_t j = 0; j < columns; ++j) {
              ASSERT_NEAR(product[i * columns + j],
                          Element(a, b, columns, i, j), 1e-5)
                  << rows << "x" << inner << "x" << columns;
            }
          }
          ASSERT_EQ(product.back(), 1e9F);
        }
      }
    }
  }
}

TEST(Gramian, SumsOuterProductsOfAllRowsForAnyNumberOfThreads) {
  constexpr size_t kRows = 2 * 4096 + 131;  // several pieces and blocks
  constexpr size_t kColumns = 21;
  const std::vector<float> values = RandomValues(kRows * kColumns, 3);
  const auto one = Gramian(values.data(), kRows, kColumns, 1);
  EXPECT_EQ(Gramian(values.data(), kRows, kColumns, 4), one);
  const StridedMatrix transposed = {values.data(), kColumns, kRows, 1,
                                    kColumns};
  for (size_t i = 0; i < kColumns; ++i) {
    for (size_t j = 0; j < kColumns; ++j) {
      EXPECT_NEAR(one[i * kColumns + j],
                  Element(transposed, values, kColumns, i, j), 1e-2);
    }
  }
}

TEST(Gramian, OfNoRowsIsZero) {
  EXPECT_THAT(Gramian(nullptr, 0, 2, 2), testing::Each(0.0));
}

}  // namespace
}  // namespace tributary
