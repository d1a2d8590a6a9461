// The recall of the kinds scan and ivf at given settings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "index/search/coded_search.h"
#include "index/search/recall.h"
#include "tests/index/search/allowed.h"
#include "tests/index/search/each_target.h"
#include "tests/index/search/sample_vectors.h"

namespace tributary {
namespace {

using ::testing::SizeIs;

constexpr uint32_t kN = 100;
constexpr uint32_t kQueries = 30;

// A catalogue with queries of the same distribution.
struct Model {
  std::string name;
  uint32_t dim;
  uint32_t vectors;
  uint32_t lists;
  bool factors;

  std::vector<float> Items() const {
    return factors ? FactorVectors(vectors, dim, 1)
                   : MixtureVectors(vectors, dim, 50, 1);
  }
  std::vector<float> Queries() const {
    return factors ? FactorQueries(kQueries, dim, 2)
                   : MixtureVectors(kQueries, dim, 50, 2);
  }
};

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

class Searched {
 public:
  Searched(const Model& model, uint32_t probes, uint32_t reranked)
      : model_(model),
        values_(model.Items()),
        queries_(model.Queries()),
        stored_{std::span<const float>(values_), model.dim},
        arrays_(*EncodeVectors(values_, model.dim, DefaultCodeDims(model.dim),
                               model.lists, 2)),
        searcher_(arrays_.view(), stored_, {kN, probes, reranked}) {}

  std::span<const float> Query(uint32_t i) const {
    return std::span(queries_).subspan(i * model_.dim, model_.dim);
  }

  // The mean recall of the queries, each with the exclusions that `excluded`
  // returns for it.
  template <typename Excluded>
  double RecallWithout(const Excluded& excluded) const {
    double sum = 0;
    for (uint32_t i = 0; i < kQueries; ++i) {
      const std::vector<uint32_t> positions = excluded(Query(i));
      const auto exact = ExactHits(stored_, Query(i), kN, positions);
      std::vector<ScoredRow> hits;
      EXPECT_TRUE(
          searcher_.Search(Query(i), kN, positions, SteadyTime::max(), &hits)
              .ok());
      EXPECT_THAT(hits, SizeIs(exact.size()));
      for (const ScoredRow& hit : hits) {
        EXPECT_FALSE(
            std::binary_search(positions.begin(), positions.end(), hit.row));
      }
      sum += Recall(exact, hits);
    }
    return sum / kQueries;
  }

  double MeanRecall() const {
    return RecallWithout([](auto) { return std::vector<uint32_t>(); });
  }

  // The mean recall of the queries, each among the positions that `allowed`
  // returns for it.
  template <typename Allowed>
  double RecallAmong(const Allowed& allowed) const {
    double sum = 0;
    for (uint32_t i = 0; i < kQueries; ++i) {
      const std::vector<uint32_t> positions = allowed(Query(i));
      const auto exact =
          ExactHits(stored_, Query(i), kN, Without(positions, model_.vectors));
      std::vector<ScoredRow> hits;
      EXPECT_TRUE(searcher_
                      .SearchAllowed(Query(i), kN,
                                     *SlotsOf(searcher_, positions), {},
                                     SteadyTime::max(), &hits)
                      .ok());
      EXPECT_THAT(hits, SizeIs(exact.size()));
      for (const ScoredRow& hit : hits) {
        EXPECT_TRUE(
            std::binary_search(positions.begin(), positions.end(), hit.row));
      }
      sum += Recall(exact, hits);
    }
    return sum / kQueries;
  }

  // The positions of the best `count` for the query.
  std::vector<uint32_t> Best(std::span<const float> query,
                             uint32_t count) const {
    std::vector<uint32_t> best;
    for (const ScoredRow& hit : ExactHits(stored_, query, count)) {
      best.push_back(hit.row);
    }
    std::sort(best.begin(), best.end());
    return best;
  }

 private:
  const Model model_;
  const std::vector<float> values_;
  const std::vector<float> queries_;
  const StoredVectors stored_;
  const CodedArrays arrays_;
  const CodedSearcher searcher_;
};

struct Expectation {
  Model model;
  uint32_t probes;
  uint32_t reranked;
  double recall;
};

class CodedRecall : public testing::TestWithParam<Expectation> {};

TEST_P(CodedRecall, IsAtLeastTheExpectedOne) {
  const Expectation& expected = GetParam();
  const Searched searched(expected.model, expected.probes, expected.reranked);
  EXPECT_GE(searched.MeanRecall(), expected.recall);
}

INSTANTIATE_TEST_SUITE_P(
    Models, CodedRecall,
    testing::Values(
        Expectation{{"unit_1", 1, 3000, 30, false}, 3, 150, 1},
        Expectation{{"unit_2", 2, 3000, 30, false}, 3, 300, 0.99},
        Expectation{{"unit_3", 3, 3000, 30, false}, 6, 300, 0.99},
        Expectation{{"unit_7", 7, 3000, 30, false}, 15, 300, 0.99},
        Expectation{{"unit_64", 64, 10000, 100, false}, 20, 300, 0.985},
        Expectation{{"unit_64_scan", 64, 10000, 1, false}, 1, 150, 0.985},
        Expectation{{"unit_130", 130, 4000, 40, false}, 20, 200, 0.95},
        Expectation{{"unit_768", 768, 2000, 20, false}, 20, 150, 0.985},
        Expectation{{"unit_4096", 4096, 1000, 8, false}, 8, 300, 0.93},
        Expectation{{"factors_8", 8, 10000, 100, true}, 30, 300, 0.97},
        Expectation{{"factors_64", 64, 10000, 100, true}, 70, 300, 0.95},
        Expectation{{"factors_64_scan", 64, 10000, 1, true}, 1, 500, 0.98},
        Expectation{{"factors_130", 130, 4000, 40, true}, 30, 200, 0.95}),
    [](const auto& test) { return test.param.model.name; });

constexpr uint32_t kItems = 20000;

const Searched& Unit() {
  static const Searched searched({"", 64, kItems, 140, false}, 30, 300);
  return searched;
}

const Searched& Factors() {
  static const Searched searched({"", 64, kItems, 140, true}, 90, 300);
  return searched;
}

std::vector<uint32_t> SomeOf(uint32_t size, double share) {
  std::mt19937 random(1);
  std::bernoulli_distribution chosen(share);
  std::vector<uint32_t> some;
  for (uint32_t i = 0; i < size; ++i) {
    if (chosen(random)) some.push_back(i);
  }
  return some;
}

// A user's vector is nearest to the items that the user has had.
TEST(CodedExclusions, BarelyAffectRecallWhenTheyAreTheVeryBest) {
  for (const Searched* searched : {&Unit(), &Factors()}) {
    const double recall = searched->MeanRecall();
    EXPECT_GE(recall, 0.95);
    for (const uint32_t count : {10, 100, 1000, 10000}) {
      EXPECT_GE(searched->RecallWithout([&](std::span<const float> query) {
        return searched->Best(query, count);
      }),
                recall - 0.03)
          << count << " excluded";
    }
  }
}

TEST(CodedExclusions, DoNotAffectRecallWhenTheyAreAnywhere) {
  for (const Searched* searched : {&Unit(), &Factors()}) {
    for (const double share : {0.001, 0.1, 0.5}) {
      const auto excluded = SomeOf(kItems, share);
      EXPECT_GE(searched->RecallWithout([&](auto) { return excluded; }),
                searched->MeanRecall() - 0.01)
          << "share " << share;
    }
  }
}

TEST(CodedExclusions, LeaveExactlyTheOtherItems) {
  // Excludes all but the worst, which are in lists that no other search scans.
  EXPECT_EQ(Unit().RecallWithout([](std::span<const float> query) {
    return Unit().Best(query, kItems - kN);
  }),
            1);
}

TEST(CodedAllowed, RecallDoesNotFallWithSelectivity) {
  for (const Searched* searched : {&Unit(), &Factors()}) {
    for (const double selectivity : {1.0, 0.9, 0.5, 0.3, 0.1, 0.01, 0.001}) {
      const auto allowed = SomeOf(kItems, selectivity);
      EXPECT_GE(searched->RecallAmong([&](auto) { return allowed; }),
                searched->MeanRecall() - 0.01)
          << "selectivity " << selectivity;
    }
  }
}

TEST(CodedAllowed, RecallDoesNotFallWhereTheBestAreNotAllowed) {
  for (const Searched* searched : {&Unit(), &Factors()}) {
    for (const uint32_t best : {100, 1000, 10000, 15000}) {
      EXPECT_GE(searched->RecallAmong([&](std::span<const float> query) {
        return Without(searched->Best(query, best), kItems);
      }),
                searched->MeanRecall() - 0.03)
          << "not the best " << best;
    }
  }
}

// What passes is what is like the query: lists of which few vectors are allowed
// hold the best of these.
TEST(CodedAllowed, RecallDoesNotFallWhereOnlyTheBestAreAllowed) {
  for (const Searched* searched : {&Unit(), &Factors()}) {
    for (const uint32_t best : {100, 1000, 10000}) {
      EXPECT_GE(searched->RecallAmong([&](std::span<const float> query) {
        return searched->Best(query, best);
      }),
                searched->MeanRecall() - 0.02)
          << "the best " << best;
    }
  }
}

TEST(CodedAllowed, RecallDoesNotFallWhereTheBestOfAnotherQueryAreAllowed) {
  for (const Searched* searched : {&Unit(), &Factors()}) {
    for (const uint32_t best : {200, 2000, 10000}) {
      const auto allowed = searched->Best(searched->Query(0), best);
      EXPECT_GE(searched->RecallAmong([&](auto) { return allowed; }),
                searched->MeanRecall() - 0.02)
          << "the best " << best;
    }
  }
}

TEST(CodedAllowed, FewAreAllScoredExactly) {
  const auto allowed = SomeOf(kItems, 0.01);
  EXPECT_EQ(Unit().RecallAmong([&](auto) { return allowed; }), 1);
}

}  // namespace
}  // namespace tributary
