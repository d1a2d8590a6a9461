#include "tests/index/search/sample_vectors.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

// Seed of the distributions themselves, which are the same for every seed of a
// caller.
constexpr uint32_t kModelSeed = 4711;
constexpr uint32_t kRank = 8;

void Normalise(std::span<float> vector) {
  double square = 0;
  for (const float x : vector) square += double{x} * x;
  const double scale = 1 / std::sqrt(square);
  for (float& x : vector) x = static_cast<float>(x * scale);
}

}  // namespace

std::vector<float> MixtureVectors(size_t count, uint32_t dim, uint32_t clusters,
                                  uint32_t seed) {
  const auto centres = RandomVectors(clusters, dim, kModelSeed);
  const auto directions = RandomVectors(kRank, dim, kModelSeed + 1);
  auto vectors = RandomVectors(count, dim, seed);
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (size_t i = 0; i < count; ++i) {
    const std::span<float> x(&vectors[i * dim], dim);
    const float* centre = &centres[random() % clusters * dim];
    for (uint32_t k = 0; k < dim; ++k) x[k] = centre[k] + 0.3f * x[k];
    for (uint32_t j = 0; j < kRank; ++j) {
      const float along = 0.3f * normal(random);
      for (uint32_t k = 0; k < dim; ++k)
        x[k] += along * directions[j * dim + k];
    }
    Normalise(x);
  }
  return vectors;
}

std::vector<float> FactorVectors(size_t count, uint32_t dim, uint32_t seed) {
  auto vectors = MixtureVectors(count, dim, 50, seed);
  std::mt19937 random(seed);
  // Two of three items are within e^±1.15, a factor of ten from end to end.
  std::normal_distribution<float> normal(0, 1.15f);
  for (size_t i = 0; i < count; ++i) {
    const float popularity = normal(random);
    for (uint32_t k = 0; k + 1 < dim; ++k) {
      vectors[i * dim + k] *= std::exp(popularity);
    }
    vectors[i * dim + dim - 1] = popularity;
  }
  return vectors;
}

std::vector<float> FactorQueries(size_t count, uint32_t dim, uint32_t seed) {
  auto queries = MixtureVectors(count, dim, 50, seed);
  for (size_t i = 0; i < count; ++i) queries[i * dim + dim - 1] = 1;
  return queries;
}

std::vector<float> SmallIntegers(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<int>(random() % 5) - 2;
  return values;
}

std::vector<Half> IntegerHalves(std::span<const float> values) {
  std::vector<Half> halves;
  for (const float value : values) {
    const auto bits = std::bit_cast<uint32_t>(value);
    const uint32_t sign = bits >> 31 << 15;
    const uint32_t rest = (bits & 0x7fffffff) >> 13;
    halves.push_back(
        {static_cast<uint16_t>(value == 0 ? sign : sign | (rest - 0x1c000))});
    EXPECT_EQ(WidenByDefinition(halves.back()), value);
  }
  return halves;
}

std::vector<ScoredRow> ExactHits(const StoredVectors& vectors,
                                 std::span<const float> query, uint32_t n,
                                 std::span<const uint32_t> excluded) {
  std::vector<ScoredRow> hits;
  const auto status =
      FlatScan(vectors, query, n, excluded, SteadyTime::max(), &hits);
  EXPECT_TRUE(status.ok()) << status;
  return hits;
}

}  // namespace tributary
