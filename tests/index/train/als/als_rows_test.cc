#include "index/train/als/als_rows.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "index/data/random.h"
#include "index/search/dense_product.h"

namespace tributary {
namespace {

constexpr float kAlpha = 20;

AlsFactors RandomFactors(size_t rows, size_t width, size_t dim) {
  Random random(7);
  AlsFactors factors{rows, width, hwy::AllocateAligned<float>(rows * width)};
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < width; ++j) {
      factors.Row(i)[j] = j < dim ? static_cast<float>(random.Normal()) : 0;
    }
  }
  return factors;
}

double Dot(const float* a, const float* b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// The gradient of what a row minimises, from its definition.
std::vector<double> Gradient(const AlsFactors& others, const AlsRow& row,
                             const float* x) {
  std::vector<double> gradient(others.width);
  for (size_t j = 0; j < others.width; ++j) gradient[j] = row.ridge * x[j];
  for (uint32_t i = 0; i < others.rows; ++i) {
    const float* const y = others.Row(i);
    const auto known = std::find(row.known.begin(), row.known.end(), i);
    double confidence = 1;
    double target = 0;
    if (known != row.known.end()) {
      const double weight =
          row.weights.empty() ? 1 : row.weights[known - row.known.begin()];
      confidence += kAlpha * std::abs(weight);
      target = weight > 0 ? 1 : 0;
    }
    const double pull = confidence * (Dot(x, y, others.width) - target);
    for (size_t j = 0; j < others.width; ++j) gradient[j] += pull * y[j];
  }
  return gradient;
}

TEST(AlsSolver, ComesToTheMinimumOfEveryRow) {
  for (const size_t dim : {2, 16, 21}) {
    const AlsFactors others = RandomFactors(50, dim == 21 ? 32 : 16, dim);
    const std::vector<double> exact =
        Gramian(others.values.get(), others.rows, others.width, 1);
    const std::vector<float> gramian(exact.begin(), exact.end());
    const AlsSystem system = {others, gramian, kAlpha};
    AlsSolver solver(system);
    // Of 0 to 10 known rows: those that go four at a time, and their rests.
    const std::vector<uint32_t> known = {3, 49, 0, 7, 8, 30, 31, 2, 11, 12};
    const std::vector<float> weights = {.5, 2, -1, 1, 3, -.25, .1, 1, -2, 4};
    std::vector<AlsRow> rows;
    for (size_t n = 0; n <= known.size(); ++n) {
      const auto some = std::span(known).first(n);
      rows.push_back({some, 0.5F + 0.1F * n});
      // At most kMaxRows.
      if (n >= 6) rows.push_back({some, 0.5F, std::span(weights).first(n)});
    }
    const AlsFactors x = RandomFactors(rows.size(), others.width, dim);
    for (int round = 0; round < 200; ++round) solver.Solve(rows, x.Row(0));
    for (size_t i = 0; i < rows.size(); ++i) {
      for (const double slope : Gradient(others, rows[i], x.Row(i))) {
        EXPECT_NEAR(slope, 0, 1e-3) << "dim " << dim << ", " << i << " known";
      }
    }
  }
}

}  // namespace
}  // namespace tributary
