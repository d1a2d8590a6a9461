#include "index/search/choose_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "google/protobuf/util/message_differencer.h"
#include "index/search/coded_search.h"
#include "index/search/recall.h"
#include "tests/index/search/sample_vectors.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr uint32_t kN = 50;

// A catalogue with queries of the same distribution: those that ChooseIndex
// measures on, and fresh ones.
struct Data {
  static Data Mixture(size_t count, uint32_t dim) {
    return {dim, MixtureVectors(count, dim, 60, 1),
            MixtureVectors(100, dim, 60, 2), MixtureVectors(400, dim, 60, 3)};
  }
  static Data Factors(size_t count, uint32_t dim) {
    return {dim, FactorVectors(count, dim, 1), FactorQueries(100, dim, 2),
            FactorQueries(400, dim, 3)};
  }

  IndexInput Input(const std::string& kind, double target_recall) const {
    return {.values = values,
            .stored = {std::span<const float>(values), dim},
            .kind = kind,
            .target_recall = target_recall,
            .target_n = kN,
            .queries = queries,
            .threads = 2};
  }

  uint32_t dim;
  std::vector<float> values;
  std::vector<float> queries;
  std::vector<float> fresh;
};

ChosenIndex Choose(const IndexInput& input) {
  auto chosen = ChooseIndex(input);
  EXPECT_TRUE(chosen.ok()) << chosen.status();
  return chosen.ok() ? *std::move(chosen) : ChosenIndex();
}

SearchEffort EffortOf(const v1::IndexSpec& spec) {
  return {.n = spec.measured_n(),
          .probes = spec.probes(),
          .reranked = spec.reranked(),
          .small_n_exponent = spec.small_n_exponent()};
}

// The means over queries that were searched with some effort.
struct Measured {
  double recall = 0;
  double standard_error = 0;
  double cost_ns = 0;
};

Measured Measure(const Data& data, const CodedArrays& arrays,
                 const SearchEffort& effort, std::span<const float> queries) {
  const StoredVectors stored{std::span<const float>(data.values), data.dim};
  const CodedSearcher searcher(arrays.view(), stored, effort);
  const size_t count = queries.size() / data.dim;
  Measured measured;
  double squares = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto query = queries.subspan(i * data.dim, data.dim);
    std::vector<ScoredRow> hits;
    SearchWork work;
    EXPECT_TRUE(
        searcher.Search(query, effort.n, {}, SteadyTime::max(), &hits, &work)
            .ok());
    const double recall = Recall(ExactHits(stored, query, effort.n), hits);
    measured.recall += recall;
    squares += recall * recall;
    measured.cost_ns += searcher.CostNs(work) / static_cast<double>(count);
  }
  const auto n = static_cast<double>(count);
  measured.recall /= n;
  measured.standard_error = std::sqrt(
      std::max(0.0, squares / n - measured.recall * measured.recall) / n);
  return measured;
}

TEST(ChooseIndex, TakesFlatWhereTheCatalogueIsSmall) {
  const Data data = Data::Mixture(300, 32);
  const ChosenIndex chosen = Choose(data.Input("auto", 0.9));
  EXPECT_EQ(chosen.spec.kind(), "flat");
  EXPECT_EQ(chosen.spec.measured_recall(), 1);
  EXPECT_EQ(chosen.spec.measured_n(), kN);
  EXPECT_FALSE(chosen.arrays.has_value());
  EXPECT_THAT(chosen.spec.candidates(), IsEmpty());
}

TEST(ChooseIndex, TakesCodesWhereTheCatalogueIsLarge) {
  const Data data = Data::Mixture(20000, 32);
  const ChosenIndex chosen = Choose(data.Input("auto", 0.95));
  EXPECT_THAT(chosen.spec.kind(), AnyOf("scan", "ivf"));
  ASSERT_TRUE(chosen.arrays.has_value());
  EXPECT_EQ(chosen.spec.lists(), chosen.arrays->spreads.size());
  EXPECT_EQ(chosen.spec.code_dims(), chosen.arrays->code_dims);
  EXPECT_EQ(chosen.arrays->slots.size(), 20000);
  EXPECT_GT(chosen.spec.measured_us(), 0);
  EXPECT_THAT(chosen.spec.candidates(), Not(IsEmpty()));
}

TEST(ChooseIndex, TakesTheKindOfTheInput) {
  const Data data = Data::Mixture(3000, 16);
  for (const std::string kind : {"flat", "scan", "ivf"}) {
    const ChosenIndex chosen = Choose(data.Input(kind, 0.9));
    EXPECT_EQ(chosen.spec.kind(), kind);
    EXPECT_EQ(chosen.arrays.has_value(), kind != "flat");
    EXPECT_GE(chosen.spec.measured_recall(), 0.9);
  }
}

TEST(ChooseIndex, AScanHasOneListAndAnIvfAsManyAsTheInputSays) {
  const Data data = Data::Mixture(3000, 16);
  EXPECT_EQ(Choose(data.Input("scan", 0.9)).spec.lists(), 1);
  IndexInput input = data.Input("ivf", 0.9);
  input.lists = 25;
  const v1::IndexSpec spec = Choose(input).spec;
  EXPECT_LE(spec.lists(), 25);
  EXPECT_GE(spec.lists(), 20);
  EXPECT_LE(spec.probes(), spec.lists());
  // There are no more lists than vectors.
  input.lists = 1'000'000;
  EXPECT_LE(Choose(input).spec.lists(), 3000);
}

TEST(ChooseIndex, MeetsTheTargetOnFreshQueries) {
  for (const Data& data :
       {Data::Mixture(10000, 32), Data::Factors(10000, 32)}) {
    for (const std::string kind : {"scan", "ivf"}) {
      for (const double target : {0.8, 0.95, 0.99}) {
        const ChosenIndex chosen = Choose(data.Input(kind, target));
        EXPECT_GE(chosen.spec.measured_recall(), target);
        const Measured fresh =
            Measure(data, *chosen.arrays, EffortOf(chosen.spec), data.fresh);
        EXPECT_GE(fresh.recall, target - 2 * fresh.standard_error)
            << kind << " " << target;
      }
    }
  }
}

TEST(ChooseIndex, PaysMoreForMoreRecall) {
  const Data data = Data::Factors(10000, 32);
  for (const std::string kind : {"scan", "ivf"}) {
    double last_cost = 0;
    for (const double target : {0.5, 0.8, 0.95, 0.99}) {
      const ChosenIndex chosen = Choose(data.Input(kind, target));
      const double cost =
          Measure(data, *chosen.arrays, EffortOf(chosen.spec), data.queries)
              .cost_ns;
      EXPECT_GE(cost, last_cost) << kind << " " << target;
      last_cost = cost;
    }
    EXPECT_GT(last_cost, Measure(data, *Choose(data.Input(kind, 0.5)).arrays,
                                 EffortOf(Choose(data.Input(kind, 0.5)).spec),
                                 data.queries)
                             .cost_ns)
        << kind;
  }
}

TEST(ChooseIndex, TakesTheCheapestOfManyCandidates) {
  const Data data = Data::Mixture(8000, 32);
  const double target = 0.95;
  const ChosenIndex chosen = Choose(data.Input("ivf", target));
  const double cost =
      Measure(data, *chosen.arrays, EffortOf(chosen.spec), data.queries)
          .cost_ns;
  const uint32_t lists = chosen.spec.lists();
  for (uint32_t probes = lists / 16; probes <= lists; probes += lists / 16) {
    for (const double ratio : {1.0, 1.5, 2.0, 3.0, 5.0}) {
      const SearchEffort effort{.n = kN,
                                .probes = probes,
                                .reranked = static_cast<uint32_t>(ratio * kN)};
      const Measured measured =
          Measure(data, *chosen.arrays, effort, data.queries);
      // No setting clearly meets the target and is clearly cheaper.
      EXPECT_FALSE(measured.recall - 4 * measured.standard_error >= target &&
                   measured.cost_ns < 0.9 * cost)
          << probes << " probes, " << effort.reranked << " reranked: recall "
          << measured.recall << ", " << measured.cost_ns << " ns; chosen "
          << chosen.spec.ShortDebugString() << ", " << cost << " ns";
    }
  }
}

TEST(ChooseIndex, MeetsATargetOfOne) {
  // The mean of ten ones must be 1; the sum of ten tenths is less.
  Data data = Data::Mixture(3000, 16);
  data.queries.resize(10 * data.dim);
  for (const std::string kind : {"scan", "ivf"}) {
    EXPECT_EQ(Choose(data.Input(kind, 1)).spec.measured_recall(), 1);
  }
}

TEST(ChooseIndex, ListsCandidatesByRecallEachCostlierThanTheLast) {
  const Data data = Data::Mixture(10000, 32);
  const ChosenIndex chosen = Choose(data.Input("ivf", 0.95));
  const auto& candidates = chosen.spec.candidates();
  ASSERT_GE(candidates.size(), 3);
  Measured last;
  bool found = false;
  for (const v1::IndexCandidate& candidate : candidates) {
    EXPECT_EQ(candidate.kind(), "ivf");
    EXPECT_GT(candidate.us(), 0);
    const Measured measured =
        Measure(data, *chosen.arrays,
                {kN, candidate.probes(), candidate.reranked()}, data.queries);
    EXPECT_NEAR(measured.recall, candidate.recall(), 1e-9);
    EXPECT_GT(measured.recall, last.recall);
    EXPECT_GT(measured.cost_ns, last.cost_ns);
    last = measured;
    found = found || (candidate.probes() == chosen.spec.probes() &&
                      candidate.reranked() == chosen.spec.reranked());
  }
  EXPECT_TRUE(found) << "the chosen one is not in the list";
}

TEST(ChooseIndex, IsTheSameForAnyNumberOfThreads) {
  const Data data = Data::Mixture(5000, 16);
  for (const std::string kind : {"auto", "scan", "ivf"}) {
    IndexInput input = data.Input(kind, 0.95);
    const auto choose = [&](uint32_t threads) {
      input.threads = threads;
      ChosenIndex chosen = Choose(input);
      chosen.spec.clear_measured_us();
      for (auto& candidate : *chosen.spec.mutable_candidates()) {
        candidate.clear_us();
      }
      return chosen;
    };
    const ChosenIndex one = choose(1);
    for (const uint32_t threads : {2, 3}) {
      const ChosenIndex more = choose(threads);
      EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(more.spec,
                                                                     one.spec))
          << more.spec.DebugString() << one.spec.DebugString();
      ASSERT_EQ(more.arrays.has_value(), one.arrays.has_value());
      if (!one.arrays.has_value()) continue;
      EXPECT_EQ(more.arrays->codes, one.arrays->codes);
      EXPECT_EQ(more.arrays->positions, one.arrays->positions);
    }
  }
}

TEST(ChooseIndex, DividesEqualVectorsIntoOneList) {
  for (const std::string kind : {"auto", "scan", "ivf"}) {
    const Data data{
        3, std::vector<float>(3000, 0.5f), RandomVectors(10, 3, 1), {}};
    const ChosenIndex chosen = Choose(data.Input(kind, 0.99));
    EXPECT_EQ(chosen.spec.measured_recall(), 1);
    if (kind != "auto") {
      EXPECT_EQ(chosen.spec.lists(), 1);
    }
  }
}

TEST(ChooseIndex, MeasuresAtMostAQuarterOfTheVectors) {
  for (const uint32_t vectors : {1, 7, 40}) {
    const Data data{
        4, RandomVectors(vectors, 4, 1), RandomVectors(5, 4, 2), {}};
    for (const std::string kind : {"auto", "flat"}) {
      EXPECT_EQ(Choose(data.Input(kind, 0.99)).spec.measured_n(), vectors);
    }
    for (const std::string kind : {"scan", "ivf"}) {
      const v1::IndexSpec spec = Choose(data.Input(kind, 0.99)).spec;
      EXPECT_EQ(spec.measured_n(), std::max(1U, vectors / 4));
      EXPECT_EQ(spec.measured_recall(), 1);
    }
  }
}

// Without clusters the best few are as hard to find as the best many, so that
// effort must fall more slowly with n.
TEST(ChooseIndex, MeetsTheTargetForFewerResults) {
  constexpr uint32_t kDim = 32;
  Data data{kDim, RandomVectors(20000, kDim, 1), RandomVectors(100, kDim, 2),
            RandomVectors(400, kDim, 3)};
  IndexInput input = data.Input("ivf", 0.9);
  input.target_n = 500;
  const ChosenIndex chosen = Choose(input);
  EXPECT_LT(chosen.spec.small_n_exponent(), 1);
  ASSERT_TRUE(chosen.arrays.has_value());
  const SearchEffort effort = EffortOf(chosen.spec);
  const CodedSearcher searcher(chosen.arrays->view(),
                               {std::span<const float>(data.values), kDim},
                               effort);
  for (const uint32_t n : {10, 25, 125}) {
    const Measured measured =
        Measure(data, *chosen.arrays, searcher.EffortFor(n), data.fresh);
    EXPECT_GE(measured.recall + 2 * measured.standard_error, 0.9) << n;
  }
}

TEST(ChooseIndex, ScoresByTheStoredVectors) {
  const Data data{8, SmallIntegers(3000 * 8, 1), SmallIntegers(20 * 8, 2), {}};
  const auto halves = IntegerHalves(data.values);
  IndexInput input = data.Input("ivf", 1);
  input.stored.values = std::span<const Half>(halves);
  EXPECT_EQ(Choose(input).spec.measured_recall(), 1);
}

TEST(ChooseIndex, ReportsTheRecallThatMissedTheTarget) {
  const Data data = Data::Mixture(2000, 8);
  // The stored vectors are all equal, so that no effort finds the best.
  const std::vector<float> zeros(data.values.size(), 0);
  for (const std::string kind : {"scan", "ivf"}) {
    IndexInput input = data.Input(kind, 0.97);
    input.stored.values = std::span<const float>(zeros);
    const auto chosen = ChooseIndex(input);
    EXPECT_EQ(chosen.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(chosen.status().message()),
                AllOf(HasSubstr("index.kind " + kind + " reaches recall 0."),
                      HasSubstr("of the best 50"),
                      HasSubstr("index.target_recall 0.97")));
    // Kind auto falls back to flat.
    input.kind = "auto";
    EXPECT_EQ(Choose(input).spec.kind(), "flat");
  }
}

TEST(ChooseIndex, RefusesInputThatItCannotMeasure) {
  const Data data = Data::Mixture(100, 4);
  for (const std::string kind : {"auto", "flat", "scan", "ivf"}) {
    const auto code = [&](const auto& change) {
      IndexInput input = data.Input(kind, 0.9);
      change(&input);
      return ChooseIndex(input).status().code();
    };
    EXPECT_EQ(code([](auto* i) { i->values = {}; }),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(code([](auto* i) { i->queries = {}; }),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(code([](auto* i) { i->target_n = 0; }),
              absl::StatusCode::kInvalidArgument);
  }
  IndexInput input = data.Input("ivf", 0.9);
  std::vector<float> queries = data.queries;
  queries[9] = std::numeric_limits<float>::quiet_NaN();
  input.queries = queries;
  EXPECT_EQ(ChooseIndex(input).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tributary
