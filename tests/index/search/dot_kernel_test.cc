#include "index/search/dot_kernel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "fmt/core.h"
#include "hwy/targets.h"
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
void ExpectDotProducts(std::span<const float> query, const T* vectors,
                       size_t count) {
  std::vector<float> scores(count + 1, -7.0f);
  DotProducts(query, vectors, count, scores.data());
  for (size_t i = 0; i < count; ++i) {
    double expected = 0;
    double magnitude = 0;
    for (size_t j = 0; j < query.size(); ++j) {
      const double product =
          double{query[j]} * Widen(vectors[i * query.size() + j]);
      expected += product;
      magnitude += std::abs(product);
    }
    ASSERT_NEAR(scores[i], expected, 1e-6 * magnitude + 1e-30)
        << "vector " << i << " of " << count << ", dim " << query.size();
  }
  EXPECT_EQ(scores[count], -7.0f) << "wrote past the scores";
}

// Runs `body` with each target that this processor has.
template <typename Body>
void ForEachTarget(const Body& body) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

// A heap block of its own size exactly: a sanitizer sees a read beyond it.
template <typename T>
std::unique_ptr<T[]> ExactCopy(const std::vector<T>& values) {
  auto copy = std::make_unique<T[]>(values.size());
  std::copy(values.begin(), values.end(), copy.get());
  return copy;
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
        std::vector<Half> halves(count * dim);
        for (Half& half : halves) {
          // Any finite number, subnormal ones and both zeros among them.
          do half.bits = static_cast<uint16_t>(random());
          while ((half.bits & 0x7c00) == 0x7c00);
        }
        const auto vectors = ExactCopy(halves);
        ASSERT_NO_FATAL_FAILURE(
            ExpectDotProducts<Half>(query, vectors.get(), count));
      }
    }
  });
}

TEST(DotProducts, OfUnalignedVectorsAreTheSame) {
  // Three floats in: aligned to four bytes only.
  const auto values = RandomVectors(8, 33, 4);
  const auto query = RandomVectors(1, 33, 5);
  ExpectDotProducts<float>(query, values.data() + 3, 7);
}

}  // namespace
}  // namespace tributary
