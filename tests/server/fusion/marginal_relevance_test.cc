// Maximal marginal relevance against an implementation that is obviously right,
// over many random pools.
#include "server/fusion/marginal_relevance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "server/fusion/unit_vectors.h"

namespace tributary {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kRounds = 1500;

class TableGroups final : public RowGroups {
 public:
  explicit TableGroups(uint32_t n_groups) : n_groups_(n_groups) {}
  uint32_t Of(Row row) const { return row * 7 % n_groups_; }
  void GetGroups(std::span<const Row> rows,
                 std::span<uint32_t> groups) const override {
    for (size_t i = 0; i < rows.size(); ++i) groups[i] = Of(rows[i]);
  }

 private:
  const uint32_t n_groups_;
};

// A pool with its memory. Item i is row i.
struct OwnedPool {
  std::vector<float> scores;
  std::vector<int16_t> units;
  size_t stride = 0;

  const int16_t* At(size_t i) const { return &units[i * stride]; }
  RelevancePool View() const {
    return {.scores = scores,
            .units = units.data(),
            .stride = stride,
            .caps = nullptr,
            .items = {}};
  }
};

class RandomPools {
 public:
  explicit RandomPools(uint64_t seed) : random_(seed) {}

  uint32_t Below(uint32_t bound) {
    return std::uniform_int_distribution<uint32_t>(0, bound - 1)(random_);
  }

  // Vectors with few different values, so that there are many ties.
  OwnedPool Next() {
    OwnedPool pool;
    const size_t size = 1 + Below(150);
    const size_t dim = 1 + Below(40);
    const uint32_t levels = 1 + Below(40);
    pool.stride = UnitStride(dim);
    pool.units.resize(size * pool.stride);
    std::vector<float> vectors(size * dim);
    for (size_t i = 0; i < size; ++i) {
      pool.scores.push_back(static_cast<float>(Below(levels)) / 8);
      if (Below(8) == 0) continue;
      for (size_t d = 0; d < dim; ++d) {
        vectors[i * dim + d] = static_cast<float>(Below(5)) - 2;
      }
    }
    MakeUnit(vectors.data(), size, dim, pool.units.data());
    std::ranges::sort(pool.scores, std::greater<>());
    return pool;
  }

  double Lambda() {
    constexpr double kSome[] = {0, 1, 0.5, 0.7, 0.25};
    const uint32_t i = Below(7);
    return i < std::size(kSome) ? kSome[i] : Below(1000) / 999.0;
  }

 private:
  std::mt19937_64 random_;
};

double CosineOf(const OwnedPool& pool, size_t a, size_t b) {
  int64_t sum = 0;
  for (size_t d = 0; d < pool.stride; ++d) {
    sum += int64_t{pool.At(a)[d]} * pool.At(b)[d];
  }
  return static_cast<double>(sum) / (double{kUnitLength} * kUnitLength);
}

// The list by the definition. `groups` and `max` are a cap's; null: none.
std::vector<uint32_t> ChooseByDefinition(const OwnedPool& pool, double lambda,
                                         uint32_t k, const TableGroups* groups,
                                         uint32_t max, uint32_t* rejected) {
  const double best = pool.scores.front();
  const double worst = pool.scores.back();
  std::vector<uint32_t> open(pool.scores.size());
  std::iota(open.begin(), open.end(), 0);
  std::vector<uint32_t> chosen;
  while (chosen.size() < k && !open.empty()) {
    // Values that differ by less than this are equal.
    constexpr double kEqual = 1e-9;
    double greatest = -std::numeric_limits<double>::infinity();
    size_t at = 0;
    for (size_t i = 0; i < open.size(); ++i) {
      double likeness =
          chosen.empty() ? 0 : -std::numeric_limits<double>::infinity();
      for (const uint32_t other : chosen) {
        likeness = std::max(likeness, CosineOf(pool, open[i], other));
      }
      const double relevance =
          best > worst ? (pool.scores[open[i]] - worst) / (best - worst) : 1;
      const double value = lambda * relevance - (1 - lambda) * likeness;
      if (value > greatest + kEqual) {
        greatest = value;
        at = i;
      }
    }
    const uint32_t next = open[at];
    open.erase(open.begin() + static_cast<ptrdiff_t>(at));
    const auto same = std::ranges::count_if(chosen, [&](uint32_t other) {
      return groups != nullptr && groups->Of(other) == groups->Of(next);
    });
    if (groups != nullptr && same >= max) {
      ++*rejected;
    } else {
      chosen.push_back(next);
    }
  }
  return chosen;
}

TEST(MarginalRelevanceProperty, TheListIsThatOfComparingAll) {
  RandomPools pools(31);
  MarginalRelevance relevance;
  for (int round = 0; round < kRounds; ++round) {
    const OwnedPool pool = pools.Next();
    const double lambda = pools.Lambda();
    const uint32_t k = pools.Below(80);
    const auto chosen = relevance.Choose(pool.View(), lambda, k);
    ASSERT_EQ(std::vector<uint32_t>(chosen.begin(), chosen.end()),
              ChooseByDefinition(pool, lambda, k, nullptr, 0, nullptr))
        << round << " lambda " << lambda;
  }
}

TEST(MarginalRelevanceProperty, CapsActWhileItIsChosen) {
  RandomPools pools(32);
  MarginalRelevance relevance;
  CapCounts counts;
  std::vector<uint32_t> rejected;
  int rejecting = 0;
  for (int round = 0; round < kRounds; ++round) {
    const OwnedPool pool = pools.Next();
    const double lambda = pools.Lambda();
    const uint32_t k = 1 + pools.Below(80);
    const TableGroups groups(1 + pools.Below(12));
    const FusionCap cap{&groups, 1 + pools.Below(6)};
    std::vector<Row> rows(pool.scores.size());
    std::iota(rows.begin(), rows.end(), 0);
    counts.Reset({&cap, 1}, rows);
    RelevancePool view = pool.View();
    view.caps = &counts;
    view.items = rows;
    const auto chosen = relevance.Choose(view, lambda, k);
    uint32_t expected = 0;
    ASSERT_EQ(std::vector<uint32_t>(chosen.begin(), chosen.end()),
              ChooseByDefinition(pool, lambda, k, &groups, cap.max, &expected))
        << round;
    counts.CountRejected(&rejected);
    ASSERT_THAT(rejected, ElementsAre(expected)) << round;
    rejecting += expected > 0;
  }
  EXPECT_GT(rejecting, kRounds / 4);
}

// What it has chosen until then stands; the rest follows by score.
TEST(MarginalRelevance, StopsAtTheDeadlineAndFillsTheListByScore) {
  constexpr size_t kSize = 1000, kDim = 128, kK = 400;
  std::mt19937 random(8);
  std::normal_distribution<float> normal;
  std::vector<float> vectors(kSize * kDim);
  for (float& value : vectors) value = normal(random);
  OwnedPool pool;
  pool.stride = UnitStride(kDim);
  pool.units.resize(kSize * pool.stride);
  MakeUnit(vectors.data(), kSize, kDim, pool.units.data());
  for (size_t i = 0; i < kSize; ++i) {
    pool.scores.push_back(1 / static_cast<float>(i + 1));
  }
  MarginalRelevance relevance;
  const auto whole = relevance.Choose(pool.View(), 0.3, kK);
  const std::vector<uint32_t> expected(whole.begin(), whole.end());
  EXPECT_FALSE(relevance.stopped());

  const std::atomic<bool> cancelled = true;
  for (const FusionDeadline deadline :
       {FusionDeadline{std::chrono::steady_clock::now(), nullptr},
        FusionDeadline{.cancelled = &cancelled}}) {
    RelevancePool view = pool.View();
    view.deadline = deadline;
    const auto list = relevance.Choose(view, 0.3, kK);
    EXPECT_TRUE(relevance.stopped());
    ASSERT_EQ(list.size(), kK);
    const auto parts = std::ranges::mismatch(list, expected);
    const auto chosen = parts.in1 - list.begin();
    EXPECT_GT(chosen, 1);
    EXPECT_LT(chosen, kK / 2);
    EXPECT_TRUE(std::is_sorted(parts.in1, list.end()));
    EXPECT_EQ(std::set<uint32_t>(list.begin(), list.end()).size(), kK);
    view.units = nullptr;
    const auto unread = relevance.Choose(view, 0.3, kK);
    EXPECT_TRUE(relevance.stopped());
    for (size_t i = 0; i < kK; ++i) ASSERT_EQ(unread[i], i);
  }
}

TEST(MarginalRelevance, OfNothingIsNothing) {
  MarginalRelevance relevance;
  EXPECT_THAT(relevance.Choose(OwnedPool{{}, {}, 32}.View(), 0.5, 3),
              IsEmpty());
  EXPECT_THAT(relevance.Choose(
                  OwnedPool{{1}, std::vector<int16_t>(32), 32}.View(), 0.5, 0),
              IsEmpty());
}

TEST(UnitVectors, ProductsAreThoseOfTheDefinition) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  for (const size_t dim : {1, 3, 16, 31, 32, 33, 64, 100, 4096}) {
    const size_t stride = UnitStride(dim);
    constexpr size_t kCount = 11;
    std::vector<float> vectors(kCount * dim);
    for (float& value : vectors) value = normal(random);
    std::vector<int16_t> units(kCount * stride, 99);
    MakeUnit(vectors.data(), kCount, dim, units.data());
    for (size_t i = 0; i < kCount; ++i) {
      std::vector<int32_t> products(kCount);
      UnitProducts(&units[i * stride], units.data(), kCount, stride,
                   products.data());
      double ii = 0;
      for (size_t d = 0; d < dim; ++d) ii += std::pow(vectors[i * dim + d], 2);
      for (size_t j = 0; j < kCount; ++j) {
        int64_t exact = 0;
        double ij = 0, jj = 0;
        for (size_t d = 0; d < stride; ++d) {
          exact += int64_t{units[i * stride + d]} * units[j * stride + d];
        }
        for (size_t d = 0; d < dim; ++d) {
          ij += double{vectors[i * dim + d]} * vectors[j * dim + d];
          jj += std::pow(vectors[j * dim + d], 2);
        }
        ASSERT_EQ(products[j], exact) << dim;
        ASSERT_NEAR(products[j] / std::pow(kUnitLength, 2),
                    ij / std::sqrt(ii * jj), 1e-4)
            << dim;
      }
      for (size_t count = 1; count <= kCount; ++count) {
        ASSERT_EQ(GreatestUnitProduct(&units[i * stride], units.data(), count,
                                      stride),
                  *std::max_element(
                      products.begin(),
                      products.begin() + static_cast<ptrdiff_t>(count)));
      }
    }
  }
}

std::vector<int16_t> UnitOf(const std::vector<float>& vector) {
  std::vector<int16_t> unit(UnitStride(vector.size()), 99);
  MakeUnit(vector.data(), 1, vector.size(), unit.data());
  return unit;
}

TEST(UnitVectors, VectorsOfAnyLengthBecomeOneLong) {
  for (const float scale : {1e-40F, 1e-30F, 1e-12F, 1.0F, 1e15F, 1e30F}) {
    const auto unit = UnitOf({3 * scale, 0, -4 * scale});
    EXPECT_NEAR(unit[0], 0.6 * kUnitLength, 1.01) << scale;
    EXPECT_EQ(unit[1], 0);
    EXPECT_NEAR(unit[2], -0.8 * kUnitLength, 1.01) << scale;
    EXPECT_EQ(unit[3], 0);
  }
  EXPECT_THAT(UnitOf(std::vector<float>(20)), testing::Each(0));
  EXPECT_THAT(UnitOf({1, std::numeric_limits<float>::infinity()}),
              testing::Each(0));
  EXPECT_THAT(UnitOf({1, std::numeric_limits<float>::quiet_NaN()}),
              testing::Each(0));
}

}  // namespace
}  // namespace tributary
