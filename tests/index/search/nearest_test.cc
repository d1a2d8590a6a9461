#include "index/search/nearest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tests/index/search/each_target.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

using ::testing::Each;

double SquareDistance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double off = double{a[i]} - b[i];
    sum += off * off;
  }
  return sum;
}

std::vector<uint32_t> Nearest(const std::vector<float>& values,
                              const std::vector<float>& centroids, uint32_t dim,
                              uint32_t threads = 1) {
  std::vector<uint32_t> nearest(values.size() / dim + 1, 777);
  const auto own_values = ExactCopy(values);
  const auto own_centroids = ExactCopy(centroids);
  FindNearest({own_values.get(), values.size()},
              {own_centroids.get(), centroids.size()}, dim, threads,
              nearest.data());
  EXPECT_EQ(nearest.back(), 777) << "wrote past the answers";
  nearest.pop_back();
  return nearest;
}

void ExpectNearest(const std::vector<float>& values,
                   const std::vector<float>& centroids, uint32_t dim,
                   double tolerance) {
  const auto nearest = Nearest(values, centroids, dim);
  const size_t count = centroids.size() / dim;
  for (size_t i = 0; i < nearest.size(); ++i) {
    const std::span<const float> value(&values[i * dim], dim);
    double least = std::numeric_limits<double>::infinity();
    for (size_t j = 0; j < count; ++j) {
      least =
          std::min(least, SquareDistance(value, {&centroids[j * dim], dim}));
    }
    ASSERT_LT(nearest[i], count);
    ASSERT_LE(
        SquareDistance(value, {&centroids[size_t{nearest[i]} * dim], dim}),
        least + tolerance)
        << "vector " << i << " of " << nearest.size() << ", " << count
        << " centroids of dim " << dim;
  }
}

TEST(FindNearest, EqualsBruteForceForEveryTargetAndShape) {
  ForEachTarget([] {
    for (const uint32_t dim : {1, 3, 16, 65}) {
      // Counts around the sizes of half-panels and panels.
      for (const size_t count : {1, 2, 15, 16, 17, 31, 32, 33, 100}) {
        for (const size_t vectors : {1, 63, 65, 130}) {
          ASSERT_NO_FATAL_FAILURE(ExpectNearest(RandomVectors(vectors, dim, 1),
                                                RandomVectors(count, dim, 2),
                                                dim, 1e-4));
        }
      }
    }
  });
}

TEST(FindNearest, IsNearestUpToRoundingFarFromTheOrigin) {
  // A constant coordinate, as some models have.
  auto values = RandomVectors(200, 8, 1);
  auto centroids = RandomVectors(40, 8, 2);
  for (size_t i = 0; i < values.size(); i += 8) values[i] = 100;
  for (size_t i = 0; i < centroids.size(); i += 8) centroids[i] = 100;
  ExpectNearest(values, centroids, 8, 1e-2);
}

TEST(FindNearest, TakesTheFirstOfEquallyNearCentroids) {
  ForEachTarget([] {
    // From number 5 on, every second of 70 centroids is the same and the others
    // are far away. Small integers make distances exact.
    std::vector<float> centroids;
    for (int i = 0; i < 70; ++i) {
      const bool copy = i % 2 == 1 && i >= 5;
      centroids.insert(centroids.end(), {copy ? 2.0f : 9.0f, copy ? 1.0f : 9.f,
                                         copy ? -1.0f : -9.0f});
    }
    const std::vector<float> values = {2, 1, -1, 1, 1, 0, 3, 2, -2};
    EXPECT_THAT(Nearest(values, centroids, 3), Each(5));
  });
}

TEST(FindNearest, OfZeroVectorsIsTheShortestCentroid) {
  ForEachTarget([] {
    EXPECT_THAT(
        Nearest(std::vector<float>(30, 0), {5, 5, 5, -1, 0, 0, 2, 2, 2}, 3),
        Each(1));
  });
}

TEST(FindNearest, IsTheSameForAnyNumberOfThreads) {
  const auto values = RandomVectors(5000, 7, 1);
  const auto centroids = RandomVectors(50, 7, 2);
  const auto one = Nearest(values, centroids, 7, 1);
  EXPECT_EQ(Nearest(values, centroids, 7, 2), one);
  EXPECT_EQ(Nearest(values, centroids, 7, 3), one);
}

}  // namespace
}  // namespace tributary
