#include "index/search/coded_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <thread>

#include "index/search/recall.h"
#include "tests/index/search/allowed.h"
#include "tests/index/search/each_target.h"
#include "tests/index/search/sample_vectors.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint32_t kAll = 1'000'000;

// Vectors and their codes.
struct Catalogue {
  Catalogue(std::vector<float> items, uint32_t width, uint32_t lists)
      : dim(width), values(std::move(items)) {
    auto encoded = EncodeVectors(values, dim, DefaultCodeDims(dim), lists, 2);
    EXPECT_TRUE(encoded.ok()) << encoded.status();
    arrays = *std::move(encoded);
  }

  uint32_t size() const { return static_cast<uint32_t>(values.size() / dim); }
  StoredVectors stored() const { return {std::span<const float>(values), dim}; }

  CodedSearcher Searcher(uint32_t n, uint32_t probes, uint32_t reranked) const {
    return {arrays.view(),
            stored(),
            {.n = n, .probes = probes, .reranked = reranked}};
  }
  // Scans every list, and scores every vector exactly.
  CodedSearcher Exhaustive() const { return Searcher(10, kAll, kAll); }

  uint32_t dim;
  std::vector<float> values;
  CodedArrays arrays;
};

std::vector<ScoredRow> Search(const CodedSearcher& searcher,
                              std::span<const float> query, uint32_t n,
                              std::span<const uint32_t> excluded = {}) {
  std::vector<ScoredRow> hits = {{7, 7}};
  const auto status =
      searcher.Search(query, n, excluded, SteadyTime::max(), &hits);
  EXPECT_TRUE(status.ok()) << status;
  return hits;
}

std::vector<ScoredRow> SearchAllowed(const CodedSearcher& searcher,
                                     std::span<const float> query, uint32_t n,
                                     std::span<const uint32_t> allowed) {
  std::vector<ScoredRow> hits = {{7, 7}};
  const auto status = searcher.SearchAllowed(
      query, n, *SlotsOf(searcher, allowed), {}, SteadyTime::max(), &hits);
  EXPECT_TRUE(status.ok()) << status;
  return hits;
}

// Every `step`-th position, from `first`.
std::vector<uint32_t> Every(uint32_t step, uint32_t size, uint32_t first = 0) {
  std::vector<uint32_t> positions;
  for (uint32_t i = first; i < size; i += step) positions.push_back(i);
  return positions;
}

// The numbers of [0, size) that are not in `positions`.
std::vector<uint32_t> Without(std::span<const uint32_t> positions,
                              uint32_t size) {
  std::vector<uint32_t> others;
  for (uint32_t i = 0; i < size; ++i) {
    if (!std::binary_search(positions.begin(), positions.end(), i)) {
      others.push_back(i);
    }
  }
  return others;
}

std::vector<uint32_t> Positions(std::span<const ScoredRow> hits) {
  std::vector<uint32_t> positions;
  for (const ScoredRow& hit : hits) positions.push_back(hit.row);
  std::sort(positions.begin(), positions.end());
  return positions;
}

struct Setting {
  uint32_t dim;
  uint32_t vectors;
  uint32_t lists;
};
constexpr Setting kSettings[] = {{1, 300, 1},    {1, 300, 9},   {2, 1000, 20},
                                 {3, 700, 1},    {7, 700, 15},  {64, 2000, 1},
                                 {64, 2000, 40}, {130, 500, 6}, {768, 200, 3},
                                 {4096, 130, 2}, {5, 1, 1},     {6, 65, 65}};

// The vectors are small integers, whose inner products are exact, so that
// scores and ties equal those of flat search to the bit.
TEST(CodedSearch, EqualsFlatSearchWhenAllListsAndVectorsAreScored) {
  for (const Setting& at : kSettings) {
    SCOPED_TRACE(testing::Message()
                 << at.vectors << " of dim " << at.dim << " in " << at.lists);
    const Catalogue items(SmallIntegers(at.vectors * at.dim, 1), at.dim,
                          at.lists);
    const auto halves = IntegerHalves(items.values);
    const CodedSearcher floats = items.Exhaustive();
    const CodedSearcher half_searcher(items.arrays.view(),
                                      {std::span<const Half>(halves), at.dim},
                                      {10, kAll, kAll});
    for (uint32_t seed = 2; seed < 5; ++seed) {
      const auto query = SmallIntegers(at.dim, seed);
      for (const uint32_t n : {0U, 1U, 10U, at.vectors, at.vectors + 5}) {
        for (const auto& excluded :
             {std::vector<uint32_t>(), Every(3, at.vectors),
              Every(1, at.vectors)}) {
          const auto exact = ExactHits(items.stored(), query, n, excluded);
          ASSERT_EQ(Search(floats, query, n, excluded), exact);
          ASSERT_EQ(Search(half_searcher, query, n, excluded), exact);
          ASSERT_EQ(
              SearchAllowed(floats, query, n, Without(excluded, at.vectors)),
              exact);
        }
      }
    }
  }
}

TEST(CodedSearch, GivesTheSameAnswerOnEveryTarget) {
  const Catalogue items(SmallIntegers(3000 * 12, 1), 12, 30);
  const auto query = SmallIntegers(12, 2);
  const auto excluded = Every(7, 3000);
  const CodedSearcher searcher = items.Searcher(50, 10, 200);
  const auto expected = Search(searcher, query, 50, excluded);
  const auto allowed = SearchAllowed(searcher, query, 50, Every(2, 3000));
  ForEachTarget([&] {
    EXPECT_EQ(Search(searcher, query, 50, excluded), expected);
    EXPECT_EQ(SearchAllowed(searcher, query, 50, Every(2, 3000)), allowed);
  });
}

TEST(CodedSearch, ScoresAreExactInnerProducts) {
  const Catalogue items(MixtureVectors(3000, 50, 10, 1), 50, 20);
  const CodedSearcher searcher = items.Searcher(100, 5, 200);
  for (uint32_t seed = 2; seed < 6; ++seed) {
    const auto query = MixtureVectors(1, 50, 10, seed);
    const auto hits = Search(searcher, query, 100);
    ASSERT_THAT(hits, SizeIs(100));
    EXPECT_TRUE(std::is_sorted(hits.begin(), hits.end(), Better));
    for (const ScoredRow& hit : hits) {
      EXPECT_NEAR(hit.score,
                  std::inner_product(query.begin(), query.end(),
                                     &items.values[hit.row * 50], 0.0),
                  1e-6);
    }
  }
}

TEST(CodedSearch, ReturnsNResultsThoughTheProbedListsHoldFewer) {
  const Catalogue items(MixtureVectors(2000, 8, 40, 1), 8, 40);
  const CodedSearcher searcher = items.Searcher(10, 1, 10);
  const auto query = MixtureVectors(1, 8, 40, 2);
  for (const uint32_t n : {10, 300, 1999, 2000, 5000}) {
    const auto hits = Search(searcher, query, n);
    ASSERT_THAT(hits, SizeIs(std::min(n, 2000U)));
    const auto positions = Positions(hits);
    EXPECT_EQ(std::adjacent_find(positions.begin(), positions.end()),
              positions.end());
  }
}

TEST(CodedSearch, FindsNothingForNoResults) {
  const Catalogue items(RandomVectors(100, 8, 1), 8, 4);
  EXPECT_THAT(Search(items.Searcher(10, 2, 10), RandomVectors(1, 8, 2), 0),
              IsEmpty());
}

TEST(CodedSearch, OfAZeroQueryReturnsAnyRowsOnce) {
  for (const uint32_t lists : {1, 12}) {
    const Catalogue items(RandomVectors(900, 8, 1), 8, lists);
    const auto hits =
        Search(items.Searcher(10, 3, 20), std::vector<float>(8, 0), 500);
    ASSERT_THAT(hits, SizeIs(500));
    for (size_t i = 0; i < hits.size(); ++i) {
      EXPECT_EQ(hits[i].score, 0);
      if (i > 0) {
        EXPECT_LT(hits[i - 1].row, hits[i].row);
      }
    }
  }
}

TEST(CodedSearch, TakesQueriesAndVectorsOfAnyLength) {
  // Products of the largest vectors are infinite or NaN; those of the smallest
  // are zero.
  for (const float item_scale : {1e-30f, 1e15f, 1e30f}) {
    auto values = RandomVectors(700, 6, 1);
    for (float& value : values) value *= item_scale;
    const Catalogue items(values, 6, 10);
    for (const float scale : {1e-45f, 1e-30f, 1e30f, 1e38f}) {
      auto query = RandomVectors(1, 6, 2);
      for (float& value : query) value *= scale;
      for (const uint32_t probes : {2U, kAll}) {
        const CodedSearcher searcher = items.Searcher(10, probes, 100);
        const bool overflows = item_scale * scale > 1e36f;
        for (const auto& hits :
             {Search(searcher, query, 10),
              Search(searcher, query, 10, Every(2, 700)),
              SearchAllowed(searcher, query, 10, Every(2, 700))}) {
          EXPECT_LE(hits.size(), 10);
          if (!overflows) {
            EXPECT_THAT(hits, SizeIs(10));
          }
          for (const ScoredRow& hit : hits) EXPECT_LT(hit.row, 700);
        }
      }
    }
  }
}

TEST(CodedSearch, DoesNotDependOnTheLengthOfTheQuery) {
  const Catalogue items(FactorVectors(5000, 32, 1), 32, 50);
  const CodedSearcher searcher = items.Searcher(100, 15, 200);
  auto query = FactorQueries(1, 32, 2);
  const auto expected = Positions(Search(searcher, query, 100));
  // Powers of two, so that nothing is rounded.
  for (const float scale : {0x1p-60f, 0x1p-10f, 0x1p40f}) {
    auto scaled = query;
    for (float& value : scaled) value *= scale;
    EXPECT_EQ(Positions(Search(searcher, scaled, 100)), expected) << scale;
  }
}

TEST(CodedSearch, RefusesBadQueriesAndLateOnes) {
  const Catalogue items(RandomVectors(1000, 4, 1), 4, 10);
  const CodedSearcher searcher = items.Searcher(10, 5, 50);
  const auto allowed = SlotsOf(searcher, Every(2, 1000));
  std::vector<ScoredRow> hits;
  const auto code = [&](std::vector<float> query, SteadyTime deadline) {
    const auto status = searcher.Search(query, 5, {}, deadline, &hits);
    EXPECT_EQ(
        searcher.SearchAllowed(query, 5, *allowed, {}, deadline, &hits).code(),
        status.code());
    return status.code();
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(code({1, 2, nan, 4}, SteadyTime::max()),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({1, 2, 3, -inf}, SteadyTime::max()),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({1, 2, 3}, SteadyTime::max()),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({}, SteadyTime::max()), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({1, 2, 3, 4}, SteadyTime()),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(CodedSearch, EndsWhenNobodyWaitsForItsResult) {
  const Catalogue items(RandomVectors(1000, 4, 1), 4, 10);
  const CodedSearcher searcher = items.Searcher(10, 5, 50);
  std::atomic<bool> cancelled{false};
  SearchTerms terms(SteadyTime::max());
  terms.cancelled = &cancelled;
  std::vector<ScoredRow> hits;
  const std::vector<float> query = {1, 2, 3, 4};
  EXPECT_TRUE(searcher.Search(query, 5, {}, terms, &hits).ok());
  cancelled = true;
  EXPECT_EQ(searcher.Search(query, 5, {}, terms, &hits).code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(CodedSearch, AShareOfTheEffortIsAShareOfTheWork) {
  const Catalogue items(RandomVectors(4000, 8, 1), 8, 40);
  const CodedSearcher searcher = items.Searcher(100, 20, 400);
  const auto query = RandomVectors(1, 8, 2);
  SearchTerms terms(SteadyTime::max());
  SearchWork all;
  SearchWork half;
  std::vector<ScoredRow> hits;
  ASSERT_TRUE(searcher.Search(query, 100, {}, terms, &hits, &all).ok());
  terms.effort = 0.5F;
  ASSERT_TRUE(searcher.Search(query, 100, {}, terms, &hits, &half).ok());
  EXPECT_EQ(hits.size(), 100);
  EXPECT_NEAR(half.reranked, all.reranked / 2.0, 1);
  EXPECT_LT(half.blocks, all.blocks);
  // At least as many are reranked as are wanted.
  terms.effort = 0.01F;
  ASSERT_TRUE(searcher.Search(query, 100, {}, terms, &hits, &half).ok());
  EXPECT_EQ(hits.size(), 100);
}

// With all of the effort, the best that pass are looked for with more and more
// where the filter bars the very best; under overload there is no time for it.
TEST(CodedSearch, LessEffortThanAllIsNotRaisedUnderAFilter) {
  const Catalogue items(RandomVectors(4000, 8, 1), 8, 1);
  const CodedSearcher searcher = items.Searcher(100, 1, 200);
  const auto query = RandomVectors(1, 8, 2);
  const auto barred = Positions(Search(items.Exhaustive(), query, 1500));
  const auto allowed = SlotsOf(searcher, Without(barred, 4000));
  SearchTerms terms(SteadyTime::max());
  SearchWork all;
  SearchWork half;
  std::vector<ScoredRow> hits;
  ASSERT_TRUE(
      searcher.SearchAllowed(query, 100, *allowed, {}, terms, &hits, &all)
          .ok());
  terms.effort = 0.5F;
  ASSERT_TRUE(
      searcher.SearchAllowed(query, 100, *allowed, {}, terms, &hits, &half)
          .ok());
  EXPECT_THAT(hits, SizeIs(100));
  EXPECT_EQ(half.lists, 1);
  EXPECT_LT(half.reranked, 200);
  EXPECT_GT(all.reranked, 4 * half.reranked);
}

// A search that failed does not change the next answer.
TEST(CodedSearch, IsCleanAfterADeadline) {
  const Catalogue items(RandomVectors(1000, 4, 1), 4, 10);
  const CodedSearcher searcher = items.Exhaustive();
  const auto query = RandomVectors(1, 4, 2);
  const auto expected = Search(searcher, query, 1000);
  std::vector<ScoredRow> hits;
  EXPECT_FALSE(
      searcher.Search(query, 5, Every(2, 1000), SteadyTime(), &hits).ok());
  EXPECT_EQ(Search(searcher, query, 1000), expected);
  EXPECT_FALSE(searcher
                   .SearchAllowed(query, 5, *SlotsOf(searcher, Every(2, 1000)),
                                  Every(3, 1000), SteadyTime(), &hits)
                   .ok());
  EXPECT_EQ(Search(searcher, query, 1000), expected);
}

TEST(CodedSearch, ForgetsExclusionsBeforeTheThreadsNextSearch) {
  const Catalogue large(RandomVectors(3000, 8, 1), 8, 20);
  const Catalogue small(RandomVectors(100, 8, 2), 8, 1);
  const auto query = RandomVectors(1, 8, 3);
  const CodedSearcher of_large = large.Searcher(50, 6, 100);
  const CodedSearcher of_small = small.Searcher(50, 1, 100);
  const auto from_large = Search(of_large, query, 50);
  const auto from_small = Search(of_small, query, 50);
  // Nearly all are allowed, so that codes are scanned.
  const auto allowed = Every(1, 3000, 100);
  for (int round = 0; round < 3; ++round) {
    Search(of_large, query, 50, Every(2, 3000));
    EXPECT_EQ(Search(of_small, query, 50), from_small);
    Search(of_small, query, 50, Every(3, 100));
    EXPECT_EQ(Search(of_large, query, 50), from_large);
    // A few are forgotten one by one, many all at once.
    Search(of_large, query, 50, Every(1500, 3000));
    EXPECT_EQ(Search(of_large, query, 50), from_large);
    SearchAllowed(of_large, query, 50, allowed);
    EXPECT_EQ(Search(of_small, query, 50), from_small);
    EXPECT_EQ(Search(of_large, query, 50), from_large);
  }
}

TEST(CodedSearch, GivesEveryThreadTheSameAnswer) {
  const Catalogue items(MixtureVectors(4000, 16, 20, 1), 16, 30);
  const CodedSearcher searcher = items.Searcher(100, 8, 250);
  const auto query = MixtureVectors(1, 16, 20, 2);
  const auto excluded = Every(5, 4000);
  const auto allowed = Every(2, 4000);
  const auto plain = Search(searcher, query, 100);
  const auto filtered = Search(searcher, query, 100, excluded);
  const auto of_allowed = SearchAllowed(searcher, query, 100, allowed);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10; ++j) {
        EXPECT_EQ(Search(searcher, query, 100, excluded), filtered);
        EXPECT_EQ(Search(searcher, query, 100), plain);
        EXPECT_EQ(SearchAllowed(searcher, query, 100, allowed), of_allowed);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// A filter's codes are packed when it has been used a few times. Which search
// that is must not be seen: all find the same, to the bit.
TEST(CodedSearch, FindsTheSameAfterAFiltersCodesArePacked) {
  const Catalogue items(MixtureVectors(20'000, 16, 20, 1), 16, 30);
  const CodedSearcher searcher = items.Searcher(100, 8, 250);
  for (const uint32_t step : {3U, 7U, 20U, 30U}) {
    for (const bool excludes : {false, true}) {
      SCOPED_TRACE(testing::Message() << step << ' ' << excludes);
      const auto allowed = SlotsOf(searcher, Every(step, items.size(), 2));
      const auto excluded =
          excludes ? Every(9, items.size(), 2) : std::vector<uint32_t>();
      for (uint32_t seed = 2; seed < 12; ++seed) {
        const auto query = MixtureVectors(1, 16, 20, seed);
        const auto fresh = SlotsOf(searcher, Every(step, items.size(), 2));
        std::vector<ScoredRow> first;
        std::vector<ScoredRow> later;
        ASSERT_TRUE(searcher
                        .SearchAllowed(query, 100, *fresh, excluded,
                                       SteadyTime::max(), &first)
                        .ok());
        EXPECT_EQ(fresh->packed, nullptr);
        ASSERT_TRUE(searcher
                        .SearchAllowed(query, 100, *allowed, excluded,
                                       SteadyTime::max(), &later)
                        .ok());
        ASSERT_EQ(later, first);
        for (const ScoredRow& hit : later) {
          ASSERT_EQ(hit.row % step, 2 % step);
          ASSERT_FALSE(std::ranges::binary_search(excluded, hit.row));
        }
      }
      EXPECT_NE(allowed->packed, nullptr);
      EXPECT_GT(allowed->size_bytes(),
                SlotsOf(searcher, Every(step, items.size(), 2))->size_bytes());
    }
  }
}

// Threads that search while one of them packs.
TEST(CodedSearch, PacksOnceThoughManyThreadsSearch) {
  const Catalogue items(MixtureVectors(20'000, 16, 20, 1), 16, 30);
  const CodedSearcher searcher = items.Searcher(100, 8, 250);
  const auto query = MixtureVectors(1, 16, 20, 2);
  const auto expected =
      SearchAllowed(searcher, query, 100, Every(5, items.size()));
  for (int round = 0; round < 20; ++round) {
    const auto allowed = SlotsOf(searcher, Every(5, items.size()));
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        std::vector<ScoredRow> hits;
        for (int j = 0; j < 5; ++j) {
          EXPECT_TRUE(searcher
                          .SearchAllowed(query, 100, *allowed, {},
                                         SteadyTime::max(), &hits)
                          .ok());
          EXPECT_EQ(hits, expected);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_NE(allowed->packed, nullptr);
  }
}

// What a user has seen is what the search would find first: it looks further
// down. What has nothing to do with the query costs nothing.
TEST(CodedSearch, GoesAsFarPastExcludedItemsAsTheyRank) {
  const Catalogue items(MixtureVectors(20'000, 16, 20, 1), 16, 30);
  const CodedSearcher searcher = items.Searcher(100, 8, 250);
  const auto query = MixtureVectors(1, 16, 20, 2);
  std::vector<ScoredRow> hits;
  const auto reranked = [&](std::span<const uint32_t> excluded) {
    SearchWork work;
    EXPECT_TRUE(
        searcher.Search(query, 100, excluded, SteadyTime::max(), &hits, &work)
            .ok());
    return work.reranked;
  };
  const uint64_t plain = reranked({});
  const auto best = Positions(Search(items.Exhaustive(), query, 400));
  const auto worst = [&] {
    auto opposite = query;
    for (float& value : opposite) value = -value;
    return Positions(Search(items.Exhaustive(), opposite, 400));
  }();
  EXPECT_LE(reranked(worst), plain + plain / 16);
  // 100 of the best 500, at 0.85 of the exponent of effort.
  EXPECT_GT(reranked(best), 3 * plain);
  EXPECT_LT(reranked(best), 5 * plain);
}

TEST(CodedSearch, RanksListsWhoseResidualsAreZero) {
  // Vectors equal their centroids: only the list tells them apart.
  constexpr uint32_t kCopies = 50;
  std::vector<float> values;
  const auto different = MixtureVectors(40, 8, 40, 1);
  for (uint32_t copy = 0; copy < kCopies; ++copy) {
    values.insert(values.end(), different.begin(), different.end());
  }
  const Catalogue items(values, 8, 40);
  const CodedSearcher searcher = items.Searcher(kCopies, kAll, 2 * kCopies);
  for (uint32_t seed = 2; seed < 12; ++seed) {
    const auto query = MixtureVectors(1, 8, 40, seed);
    EXPECT_EQ(Search(searcher, query, kCopies)[0].score,
              ExactHits(items.stored(), query, 1)[0].score);
  }
}

TEST(CodedSearch, TakesTheFirstOfEqualVectors) {
  const Catalogue items(std::vector<float>(500 * 4, 0.5f), 4, 1);
  EXPECT_EQ(Positions(Search(items.Searcher(20, 1, 20),
                             std::vector<float>{1, 2, 3, 4}, 20)),
            Every(1, 20));
}

TEST(CodedSearch, SpendsMoreEffortOnMoreResultsWithinTheCatalogue) {
  const Catalogue items(MixtureVectors(3000, 8, 20, 1), 8, 50);
  const CodedSearcher searcher = items.Searcher(100, 10, 200);
  SearchEffort last = {.n = 0, .probes = 1, .reranked = 0};
  for (const uint32_t n : {1, 10, 100, 500, 3000, 10000}) {
    const SearchEffort effort = searcher.EffortFor(n);
    EXPECT_EQ(effort.n, n);
    EXPECT_GE(effort.probes, last.probes);
    EXPECT_LE(effort.probes, items.arrays.view().lists());
    EXPECT_GE(effort.reranked, std::max(last.reranked, std::min(n, 3000U)));
    EXPECT_LE(effort.reranked, 3000);
    EXPECT_GE(searcher.ExpectedNs(n), searcher.ExpectedNs(last.n));
    last = effort;
  }
  EXPECT_EQ(searcher.EffortFor(100).probes, 10);
  EXPECT_EQ(searcher.EffortFor(100).reranked, 200);
}

TEST(CodedSearch, CountsItsWork) {
  const Catalogue items(MixtureVectors(3000, 8, 20, 1), 8, 50);
  const auto query = MixtureVectors(1, 8, 20, 2);
  std::vector<ScoredRow> hits;
  SearchWork work;
  ASSERT_TRUE(items.Exhaustive()
                  .Search(query, 10, {}, SteadyTime::max(), &hits, &work)
                  .ok());
  EXPECT_EQ(work.lists, 50);
  EXPECT_EQ(work.blocks, items.arrays.view().blocks.back());
  EXPECT_EQ(work.reranked, 3000);
  const CodedSearcher searcher = items.Searcher(10, 5, 40);
  ASSERT_TRUE(
      searcher.Search(query, 10, {}, SteadyTime::max(), &hits, &work).ok());
  EXPECT_LE(work.lists, 5);
  EXPECT_GE(work.blocks, work.lists);
  EXPECT_GE(work.reranked, 40);
  EXPECT_LE(work.reranked, 45);
  const double cost_ns = searcher.CostNs(work);
  ++work.blocks;
  EXPECT_GT(searcher.CostNs(work), cost_ns);
}

}  // namespace
}  // namespace tributary
