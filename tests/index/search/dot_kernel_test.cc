#include "index/search/dot_kernel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "tests/index/search/each_target.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

float Widen(float value) { return value; }
float Widen(Half value) { return WidenByDefinition(value); }

std::vector<size_t> Dims() {
  std::vector<size_t> dims;
  for (size_t dim = 1; dim <= 70; ++dim) dims.push_back(dim);
  for (const size_t dim : {127, 128, 129, 960, 1000, 4095, 4096}) {
    dims.push_back(dim);
  }
  return dims;
}

template <typename T>
void ExpectDotProduct(std::span<const float> query, const T* vector,
                      float score) {
  double expected = 0;
  double magnitude = 0;
  for (size_t j = 0; j < query.size(); ++j) {
    const double product = double{query[j]} * Widen(vector[j]);
    expected += product;
    magnitude += std::abs(product);
  }
  ASSERT_NEAR(score, expected, 1e-6 * magnitude + 1e-30)
      << "dim " << query.size();
}

template <typename T>
void ExpectDotProducts(std::span<const float> query, const T* vectors,
                       size_t count) {
  std::vector<float> scores(count + 1, -7.0f);
  DotProducts(query, vectors, count, scores.data());
  for (size_t i = 0; i < count; ++i) {
    SCOPED_TRACE(i);
    ASSERT_NO_FATAL_FAILURE(
        ExpectDotProduct(query, vectors + i * query.size(), scores[i]));
  }
  EXPECT_EQ(scores[count], -7.0f) << "wrote past the scores";
}

// Scores all vectors, backwards, and then the first and the last repeatedly.
template <typename T>
void ExpectDotProductsAt(std::span<const float> query, const T* vectors,
                         uint32_t count) {
  std::vector<uint32_t> positions;
  for (uint32_t i = count; i-- > 0;) positions.push_back(i);
  positions.insert(positions.end(), {0, count - 1, 0, 0, count - 1});
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{4}, size_t{6}, positions.size()}) {
    std::vector<float> scores(size + 1, -7.0f);
    DotProductsAt(query, vectors, std::span(positions).first(size),
                  scores.data());
    for (size_t i = 0; i < size; ++i) {
      SCOPED_TRACE(i);
      ASSERT_NO_FATAL_FAILURE(ExpectDotProduct(
          query, vectors + positions[i] * query.size(), scores[i]));
    }
    EXPECT_EQ(scores[size], -7.0f) << "wrote past the scores";
  }
}

// Any finite numbers, including subnormal ones and both zeros.
std::vector<Half> RandomHalves(size_t count, std::mt19937* random) {
  std::vector<Half> halves(count);
  for (Half& half : halves) {
    do half.bits = static_cast<uint16_t>((*random)());
    while ((half.bits & 0x7c00) == 0x7c00);
  }
  return halves;
}

TEST(DotProducts, OfFloatsMatchesThePlainSumForEveryTargetAndDim) {
  ForEachTarget([] {
    for (const size_t dim : Dims()) {
      const auto query = RandomVectors(1, dim, 1);
      for (const size_t count : {0, 1, 3, 4, 9}) {
        const auto vectors = ExactCopy(RandomVectors(count, dim, 2));
        ASSERT_NO_FATAL_FAILURE(
            ExpectDotProducts<float>(query, vectors.get(), count));
      }
    }
  });
}

TEST(DotProducts, OfHalvesMatchesThePlainSumForEveryTargetAndDim) {
  ForEachTarget([] {
    std::mt19937 random(3);
    for (const size_t dim : Dims()) {
      const auto query = RandomVectors(1, dim, 1);
      for (const size_t count : {1, 4, 9}) {
        const auto vectors = ExactCopy(RandomHalves(count * dim, &random));
        ASSERT_NO_FATAL_FAILURE(
            ExpectDotProducts<Half>(query, vectors.get(), count));
      }
    }
  });
}

TEST(DotProductsAt, OfFloatsMatchThePlainSumForEveryTargetAndDim) {
  ForEachTarget([] {
    for (const size_t dim : Dims()) {
      const auto query = RandomVectors(1, dim, 1);
      // More vectors than are prefetched at once.
      const auto vectors = ExactCopy(RandomVectors(23, dim, 2));
      ASSERT_NO_FATAL_FAILURE(
          ExpectDotProductsAt<float>(query, vectors.get(), 23));
    }
  });
}

TEST(DotProductsAt, OfHalvesMatchThePlainSumForEveryTargetAndDim) {
  ForEachTarget([] {
    std::mt19937 random(3);
    for (const size_t dim : Dims()) {
      const auto query = RandomVectors(1, dim, 1);
      const auto vectors = ExactCopy(RandomHalves(23 * dim, &random));
      ASSERT_NO_FATAL_FAILURE(
          ExpectDotProductsAt<Half>(query, vectors.get(), 23));
    }
  });
}

TEST(DotProducts, OfUnalignedVectorsAreTheSame) {
  // Begins three floats in, so that it is aligned to four bytes only.
  const auto values = RandomVectors(8, 33, 4);
  const auto query = RandomVectors(1, 33, 5);
  ExpectDotProducts<float>(query, values.data() + 3, 7);
}

}  // namespace
}  // namespace tributary
