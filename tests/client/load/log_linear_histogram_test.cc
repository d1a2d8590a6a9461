#include "client/load/log_linear_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace tributary {
namespace {

using std::chrono::nanoseconds;

TEST(LogLinearHistogram, QuantilesAreWithinTheErrorOfTheSortedValues) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> draw(12, 3);
  LogLinearHistogram histogram;
  std::vector<int64_t> values;
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(std::llround(draw(random)));
    histogram.Add(nanoseconds(values.back()));
  }
  std::sort(values.begin(), values.end());
  for (const double share : {0.0, .001, .1, .5, .9, .99, .999, 1.0}) {
    const auto rank = static_cast<size_t>(
        std::max(1.0, std::ceil(share * static_cast<double>(values.size()))));
    const auto exact = static_cast<double>(values[rank - 1]);
    const auto found = static_cast<double>(histogram.Quantile(share).count());
    EXPECT_GE(found, exact) << share;
    EXPECT_LE(found, exact * (1 + LogLinearHistogram::kMaxRelativeError))
        << share;
  }
  EXPECT_EQ(histogram.max().count(), values.back());
  EXPECT_EQ(histogram.Quantile(1), histogram.max());
}

TEST(LogLinearHistogram, ErrorIsBoundedAtEveryPowerOfTwo) {
  for (int bits = 0; bits < 40; ++bits) {
    for (const int64_t offset : {-1, 0, 1}) {
      const int64_t ns = std::max<int64_t>(0, (int64_t{1} << bits) + offset);
      LogLinearHistogram histogram;
      histogram.Add(nanoseconds(ns));
      // Quantile() never exceeds max(), which must not hide an error here.
      histogram.Add(nanoseconds(2 * ns + 10));
      const int64_t found = histogram.Quantile(.5).count();
      EXPECT_GE(found, ns);
      EXPECT_LE(found - ns, ns / 256);
    }
  }
}

TEST(LogLinearHistogram, WithoutValuesEverythingIsZero) {
  const LogLinearHistogram histogram;
  EXPECT_EQ(histogram.Quantile(.99).count(), 0);
  EXPECT_EQ(histogram.mean().count(), 0);
  EXPECT_EQ(histogram.max().count(), 0);
}

TEST(LogLinearHistogram, TakesAnyDuration) {
  LogLinearHistogram histogram;
  histogram.Add(nanoseconds(-5));
  histogram.Add(nanoseconds::max());
  EXPECT_EQ(histogram.count(), 2);
  EXPECT_EQ(histogram.Quantile(.5).count(), 0);
  EXPECT_EQ(histogram.max(), nanoseconds::max());
}

TEST(LogLinearHistogram, MergeEqualsAddingAllToOne) {
  LogLinearHistogram a;
  LogLinearHistogram b;
  LogLinearHistogram all;
  for (int i = 1; i <= 1000; ++i) {
    (i % 3 == 0 ? a : b).Add(nanoseconds(i * 977));
    all.Add(nanoseconds(i * 977));
  }
  a.Merge(b);
  EXPECT_EQ(a.count(), all.count());
  EXPECT_EQ(a.mean(), all.mean());
  EXPECT_EQ(a.max(), all.max());
  for (const double share : {.01, .5, .99}) {
    EXPECT_EQ(a.Quantile(share), all.Quantile(share));
  }
}

}  // namespace
}  // namespace tributary
