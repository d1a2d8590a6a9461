#include "index/search/shortlist.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <span>

#include "tests/index/search/each_target.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A list with these scores and the ids 1000, 1001, ...
Shortlist ListOf(std::span<const float> scores) {
  Shortlist list;
  list.Reset(scores.size());
  for (size_t i = 0; i < scores.size(); ++i) {
    list.scores()[i] = scores[i];
    list.ids()[i] = static_cast<uint32_t>(1000 + i);
  }
  // The padding holds scores that would be selected if it were read.
  std::fill_n(list.scores() + scores.size(), kShortlistPadding, kInfinity);
  list.set_size(scores.size());
  return list;
}

std::vector<ScoredRow> Sorted(std::span<const float> scores, size_t n) {
  std::vector<ScoredRow> all;
  for (uint32_t i = 0; i < scores.size(); ++i) {
    all.push_back({1000 + i, scores[i]});
  }
  std::sort(all.begin(), all.end(), Better);
  all.resize(std::min(n, all.size()));
  return all;
}

void ExpectKeepsBest(std::span<const float> scores, size_t want, size_t slack) {
  SCOPED_TRACE(testing::Message() << scores.size() << " scores, want " << want
                                  << ", slack " << slack);
  Shortlist list = ListOf(scores);
  const float threshold = list.KeepBest(want, slack);
  if (scores.size() <= want + slack) {
    EXPECT_EQ(threshold, -kInfinity);
    ASSERT_EQ(list.size(), scores.size());
  }
  ASSERT_GE(list.size(), std::min(want, scores.size()));
  ASSERT_LE(list.size(), want + slack);
  // The entries are in order, each with its own score.
  std::vector<bool> kept(scores.size());
  for (size_t i = 0; i < list.size(); ++i) {
    const uint32_t at = list.ids()[i] - 1000;
    ASSERT_LT(at, scores.size());
    ASSERT_EQ(list.scores()[i], scores[at]);
    if (i > 0) {
      ASSERT_LT(list.ids()[i - 1], list.ids()[i]);
    }
    kept[at] = true;
  }
  // The entries kept are the first after a stable sort.
  for (const ScoredRow& best : Sorted(scores, list.size())) {
    ASSERT_TRUE(kept[best.row - 1000])
        << "score " << best.score << " at " << best.row - 1000;
  }
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!kept[i]) {
      ASSERT_LE(scores[i], threshold);
    }
  }
}

// Sizes around SIMD vectors, and large.
constexpr size_t kSizes[] = {1,  2,  3,  4,  5,  7,  8,  9,  15,  16,  17,
                             31, 32, 33, 47, 63, 64, 65, 66, 100, 129, 1000};

void ExpectKeepsBestOfAnyNumber(const std::vector<float>& all) {
  for (const size_t size : kSizes) {
    const auto scores = std::span(all).first(size);
    for (const size_t want : {1, 2, 15, 16, 60, 500}) {
      for (const size_t slack : {0, 1, 8, 31}) {
        ASSERT_NO_FATAL_FAILURE(ExpectKeepsBest(scores, want, slack));
      }
    }
  }
}

std::vector<float> Normal(size_t count, float mean, float scale) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(mean, scale);
  std::vector<float> scores(count);
  for (float& score : scores) score = normal(random);
  return scores;
}

TEST(KeepBest, LeavesTheBestInTheirOrder) {
  ForEachTarget([] { ExpectKeepsBestOfAnyNumber(Normal(1000, 0, 1)); });
}

TEST(KeepBest, OfNegativeScores) {
  ForEachTarget([] { ExpectKeepsBestOfAnyNumber(Normal(1000, -1e4, 10)); });
}

TEST(KeepBest, OfScoresThatDifferInTheirLastBits) {
  ForEachTarget([] { ExpectKeepsBestOfAnyNumber(Normal(1000, 1, 1e-6f)); });
}

TEST(KeepBest, AmongEqualsTakesTheFirst) {
  ForEachTarget([] {
    for (const int values : {1, 2, 10}) {
      std::mt19937 random(2);
      std::vector<float> scores(1000);
      for (float& score : scores) {
        score = static_cast<float>(random() % values) - 1;
      }
      ASSERT_NO_FATAL_FAILURE(ExpectKeepsBestOfAnyNumber(scores));
    }
  });
}

TEST(KeepBest, ResolvesSmallScoresBesideHugeOnes) {
  ForEachTarget([] {
    for (const float huge : {1e10f, 3e38f}) {
      std::vector<float> scores = Normal(1000, 0, 1e-3f);
      scores[3] = huge;
      scores[40] = -huge;
      ASSERT_NO_FATAL_FAILURE(ExpectKeepsBestOfAnyNumber(scores));
    }
  });
}

TEST(KeepBest, OfSubnormalScoresAndBothZeros) {
  ForEachTarget([] {
    std::vector<float> scores = Normal(1000, 0, 1e-43f);
    for (size_t i = 0; i < scores.size(); i += 7) scores[i] = -0.0f;
    ASSERT_NO_FATAL_FAILURE(ExpectKeepsBestOfAnyNumber(scores));
  });
}

TEST(KeepBest, TakesInfinitiesAsScores) {
  ForEachTarget([] {
    for (const float infinite : {kInfinity, -kInfinity}) {
      std::vector<float> scores = Normal(1000, 0, 1);
      for (size_t i = 1; i < scores.size(); i += 9) scores[i] = infinite;
      ASSERT_NO_FATAL_FAILURE(ExpectKeepsBestOfAnyNumber(scores));
      scores[5] = -infinite;
      ASSERT_NO_FATAL_FAILURE(ExpectKeepsBestOfAnyNumber(scores));
    }
    ASSERT_NO_FATAL_FAILURE(ExpectKeepsBestOfAnyNumber(
        std::vector<float>(1000, std::numeric_limits<float>::infinity())));
    ASSERT_NO_FATAL_FAILURE(ExpectKeepsBestOfAnyNumber(
        std::vector<float>(1000, -std::numeric_limits<float>::infinity())));
  });
}

std::vector<ScoredRow> Take(std::span<const float> scores, uint32_t n) {
  Shortlist list = ListOf(scores);
  std::vector<ScoredRow> hits = {{7, 7}};
  TakeBest(n, &list, &hits);
  return hits;
}

TEST(TakeBest, EqualsASortThatBreaksTiesById) {
  ForEachTarget([] {
    for (const size_t size : {0, 1, 2, 31, 32, 33, 500, 5000}) {
      for (const int values : {1, 10, 1000000}) {
        std::mt19937 random(3);
        std::vector<float> scores(size);
        for (float& score : scores) {
          score = static_cast<float>(random() % values) - 5;
        }
        for (const uint32_t n : {0, 1, 10, 500, 6000}) {
          ASSERT_EQ(Take(scores, n), Sorted(scores, n))
              << size << " scores, " << values << " values, n " << n;
        }
      }
    }
  });
}

TEST(TakeBest, OrdersTiesByIdWhateverTheirOrderInTheList) {
  Shortlist list = ListOf(std::vector<float>{1, 2, 1, 2});
  std::reverse(list.ids(), list.ids() + 4);
  std::vector<ScoredRow> hits;
  TakeBest(3, &list, &hits);
  EXPECT_THAT(hits, ElementsAre(ScoredRow{1000, 2}, ScoredRow{1002, 2},
                                ScoredRow{1001, 1}));
}

TEST(TakeBest, OrdersInfinitiesSubnormalsAndZeros) {
  const float tiny = std::numeric_limits<float>::denorm_min();
  EXPECT_THAT(
      Take(std::vector<float>{-tiny, -kInfinity, 0, kInfinity, -0.0f, tiny}, 9),
      ElementsAre(ScoredRow{1003, kInfinity}, ScoredRow{1005, tiny},
                  ScoredRow{1002, 0}, ScoredRow{1004, 0},
                  ScoredRow{1000, -tiny}, ScoredRow{1001, -kInfinity}));
}

TEST(TakeBest, TakesScoresOfMinusInfinityLast) {
  ForEachTarget([] {
    for (const size_t finite : {0, 3, 10}) {
      std::vector<float> scores = Normal(200, 0, 1);
      std::fill(scores.begin() + finite, scores.end(), -kInfinity);
      EXPECT_EQ(Take(scores, 5), Sorted(scores, 5));
    }
  });
}

TEST(DropWorse, LeavesAtLeastTheBestAndTheirEquals) {
  ForEachTarget([] {
    for (const int values : {1, 3, 1000000}) {
      std::mt19937 random(4);
      std::vector<float> scores(1000);
      for (float& score : scores) {
        score = static_cast<float>(random() % values);
      }
      for (const size_t want : {0, 1, 100, 999, 2000}) {
        Shortlist list = ListOf(scores);
        list.DropWorse(want, 10);
        ASSERT_GE(list.size(), std::min<size_t>(want, 1000));
        if (values == 1000000 && want > 0) {
          ASSERT_LE(list.size(), want + 10);
        }
        std::vector<float> left(list.scores(), list.scores() + list.size());
        std::sort(left.rbegin(), left.rend());
        for (size_t i = 0; i < std::min<size_t>(want, 1000); ++i) {
          ASSERT_EQ(left[i], Sorted(scores, 1000)[i].score);
        }
      }
    }
  });
}

TEST(TakeBest, OfNothingIsNothing) { EXPECT_THAT(Take({}, 5), IsEmpty()); }

TEST(SortByScore, KeepsEveryEntryWithItsScore) {
  ForEachTarget([] {
    const std::vector<float> scores = Normal(999, 0, 3);
    Shortlist list = ListOf(scores);
    SortByScore(&list);
    ASSERT_EQ(list.size(), scores.size());
    const auto expected = Sorted(scores, scores.size());
    for (size_t i = 0; i < scores.size(); ++i) {
      ASSERT_EQ((ScoredRow{list.ids()[i], list.scores()[i]}), expected[i]);
    }
  });
}

TEST(Shortlist, KeepsItsMemoryWhenItIsResetToLess) {
  Shortlist list;
  list.Reset(1000);
  const float* const scores = list.scores();
  list.set_size(1000);
  list.Reset(10);
  EXPECT_EQ(list.size(), 0);
  list.Reset(1000);
  EXPECT_EQ(list.scores(), scores);
}

}  // namespace
}  // namespace tributary
