#include "evaluation/figures.h"

#include <gtest/gtest.h>

#include <random>

namespace tributary {
namespace {

// Uniform in 0..1 plus `shift`, for each user.
Figures Noise(size_t users, uint64_t seed, float shift = 0) {
  std::mt19937_64 engine(seed);
  Figures figures(users, 1);
  for (size_t i = 0; i < users; ++i) {
    figures.Of(i)[0] = static_cast<float>(engine() % 10000) / 10000 + shift;
  }
  return figures;
}

TEST(BootstrapMeans, CoverTheTruthAboutAsOftenAsTheySay) {
  int covered = 0;
  constexpr int kTrials = 200;
  for (int trial = 0; trial < kTrials; ++trial) {
    const auto interval = BootstrapMeans(Noise(60, 1000 + trial), trial, 1)[0];
    EXPECT_LT(interval.low, interval.mean);
    EXPECT_GT(interval.high, interval.mean);
    covered += interval.low <= .5 && .5 <= interval.high;
  }
  // Binomial with .95: four deviations are .06.
  EXPECT_NEAR(covered / double(kTrials), .94, .06);
}

TEST(BootstrapMeans, AreTheSameOnAnyNumberOfThreads) {
  const Figures figures = Noise(500, 1);
  const auto one = BootstrapMeans(figures, 7, 1)[0];
  const auto three = BootstrapMeans(figures, 7, 3)[0];
  const auto other = BootstrapMeans(figures, 8, 1)[0];
  EXPECT_EQ(one.low, three.low);
  EXPECT_EQ(one.high, three.high);
  EXPECT_NE(one.low, other.low);
}

TEST(BootstrapMeans, OfNobodyAreZero) {
  const auto intervals = BootstrapMeans(Figures(0, 2), 1, 2);
  ASSERT_EQ(intervals.size(), 2);
  EXPECT_EQ(intervals[1].mean, 0);
  EXPECT_EQ(intervals[1].high, 0);
}

TEST(RandomisationPValues, FindWhatIsThere) {
  const Figures better = Noise(300, 1, .2F);
  const Figures plain = Noise(300, 2);
  EXPECT_LT(RandomisationPValues(better.Minus(plain), 1, 2)[0], .001);
  // Interval and test agree.
  EXPECT_GT(BootstrapMeans(better.Minus(plain), 1, 1)[0].low, 0);
}

TEST(RandomisationPValues, FindNothingMoreOftenThanTheySay) {
  int found = 0;
  constexpr int kTrials = 100;
  for (int trial = 0; trial < kTrials; ++trial) {
    const Figures difference =
        Noise(40, 2 * trial + 1).Minus(Noise(40, 2 * trial + 2));
    found += RandomisationPValues(difference, 1, 2)[0] < .05;
  }
  // Binomial with .05: four deviations are 9.
  EXPECT_LE(found, 14);
}

TEST(RandomisationPValues, OfNoDifferenceIsOne) {
  EXPECT_EQ(RandomisationPValues(Figures(50, 1), 1, 1)[0], 1);
}

TEST(RandomisationPValues, AreExactForFewUsers) {
  // Of four equal differences, 2 of 16 signs are as far from 0.
  Figures differences(4, 1);
  for (size_t i = 0; i < 4; ++i) differences.Of(i)[0] = .5F;
  EXPECT_NEAR(RandomisationPValues(differences, 1, 1)[0], .125, .02);
}

}  // namespace
}  // namespace tributary
