// Fusion alone: three sources of 500 proposals each, a list of 500, beside the
// least that a merge without quotas, order or provenance does. Then diverse
// lists: 500 chosen from a pool of 2000.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <unordered_set>
#include <vector>

#include "server/fusion/fuse.h"
#include "server/fusion/marginal_relevance.h"
#include "server/fusion/unit_vectors.h"

namespace tributary {
namespace {

constexpr uint32_t kK = 500;
constexpr uint32_t kCatalogue = 60000;

struct Proposals {
  explicit Proposals(uint32_t length = kK) {
    std::mt19937_64 random(1);
    for (auto& list : lists) {
      // A fifth of the proposals are among the first 2000 rows, so that the
      // sources overlap.
      std::unordered_set<Row> rows;
      while (rows.size() < length) {
        rows.insert(static_cast<Row>(random() %
                                     (random() % 5 == 0 ? 2000 : kCatalogue)));
      }
      float score = 1;
      for (const Row row : rows) list.push_back({row, score -= 0.001f});
    }
  }

  std::vector<ScoredRow> lists[3];
};

// Groups of about 30 rows, and a factor for half of the rows.
class EveryRow final : public RowGroups, public RowFactors {
 public:
  void GetGroups(std::span<const Row> rows,
                 std::span<uint32_t> groups) const override {
    for (size_t i = 0; i < rows.size(); ++i) groups[i] = rows[i] % 2000;
  }
  void GetFactors(std::span<const Row> rows,
                  std::span<float> factors) const override {
    for (size_t i = 0; i < rows.size(); ++i) {
      factors[i] = rows[i] % 2 == 0 ? 1.5F : 1;
    }
  }
};

// `capped`, `multiplied`: whether the list has a cap, and scores have factors.
void FuseLoop(FusionPolicy policy, bool capped, bool multiplied,
              benchmark::State* state) {
  const Proposals proposals;
  const uint32_t targets[] = {300, 150, 50};
  std::vector<FusionSource> sources;
  for (size_t s = 0; s < 3; ++s) {
    sources.push_back(
        {.proposals = proposals.lists[s], .target = targets[s], .weight = 1});
  }
  const EveryRow rows;
  const FusionCap cap{&rows, 2};
  FusionOptions options{.policy = policy, .k = kK, .has_model = true};
  if (capped) options.caps = {&cap, 1};
  if (multiplied) options.factors = &rows;
  FusionResult result;
  for (auto _ : *state) {
    Fuse(sources, options, &result);
    benchmark::DoNotOptimize(result.candidates.data());
  }
}

void BM_Fuse(benchmark::State& state) {
  FuseLoop(static_cast<FusionPolicy>(state.range(0)), /*capped=*/false,
           /*multiplied=*/false, &state);
}
BENCHMARK(BM_Fuse)
    ->ArgName("policy")
    ->Arg(static_cast<int>(FusionPolicy::kQuota))
    ->Arg(static_cast<int>(FusionPolicy::kRrf))
    ->Arg(static_cast<int>(FusionPolicy::kWeighted))
    ->Arg(static_cast<int>(FusionPolicy::kInterleave));

void BM_FuseWithCap(benchmark::State& state) {
  FuseLoop(FusionPolicy::kQuota, /*capped=*/true, /*multiplied=*/false, &state);
}
BENCHMARK(BM_FuseWithCap);

void BM_FuseWithFactors(benchmark::State& state) {
  FuseLoop(FusionPolicy::kQuota, /*capped=*/false, /*multiplied=*/true, &state);
}
BENCHMARK(BM_FuseWithFactors);

void BM_ConcatenateAndDedupe(benchmark::State& state) {
  const Proposals proposals;
  std::vector<Row> rows;
  for (auto _ : state) {
    std::unordered_set<Row> there;
    rows.clear();
    for (const auto& list : proposals.lists) {
      for (const ScoredRow& proposal : list) {
        if (there.insert(proposal.row).second) rows.push_back(proposal.row);
      }
    }
    benchmark::DoNotOptimize(rows.data());
  }
}
BENCHMARK(BM_ConcatenateAndDedupe);

// 2000 items around 50 topics, as vectors are that a model learned.
struct TopicPool {
  explicit TopicPool(size_t dim) : stride(UnitStride(dim)) {
    constexpr size_t kTopics = 50;
    constexpr size_t kSize = kPoolOfK * kK;
    std::mt19937_64 random(2);
    std::normal_distribution<float> normal;
    std::vector<float> topics(kTopics * dim);
    for (float& value : topics) value = normal(random);
    vectors.resize(kSize * dim);
    for (size_t i = 0; i < kSize; ++i) {
      const float* const topic = &topics[random() % kTopics * dim];
      for (size_t d = 0; d < dim; ++d) {
        vectors[i * dim + d] = topic[d] + normal(random);
      }
      // Scores of one source, as a fusion model makes them of ranks.
      scores.push_back(static_cast<float>(RankValue(i)));
    }
    units.resize(kSize * stride);
    MakeUnit(vectors.data(), kSize, dim, units.data());
  }

  size_t stride;
  std::vector<float> scores;
  std::vector<float> vectors;
  std::vector<int16_t> units;
};

// The arguments: dimensions, and lambda in hundredths.
void BM_ChooseDiverse(benchmark::State& state) {
  const TopicPool pool(static_cast<size_t>(state.range(0)));
  const double lambda = static_cast<double>(state.range(1)) / 100;
  MarginalRelevance relevance;
  for (auto _ : state) {
    const auto chosen = relevance.Choose({.scores = pool.scores,
                                          .units = pool.units.data(),
                                          .stride = pool.stride,
                                          .caps = nullptr,
                                          .items = {}},
                                         lambda, kK);
    benchmark::DoNotOptimize(chosen.data());
  }
}
BENCHMARK(BM_ChooseDiverse)
    ->ArgNames({"dim", "lambda"})
    ->ArgsProduct({{64, 128}, {0, 30, 50, 70, 90, 100}});

// What BM_ChooseDiverse would take without bounds: every member of the pool is
// compared with each that was chosen, once.
void BM_CompareAll(benchmark::State& state) {
  const TopicPool pool(static_cast<size_t>(state.range(0)));
  std::vector<int32_t> products(pool.scores.size());
  for (auto _ : state) {
    for (size_t i = 0; i < kK; ++i) {
      UnitProducts(&pool.units[i * pool.stride], pool.units.data(),
                   products.size(), pool.stride, products.data());
      benchmark::DoNotOptimize(products.data());
    }
  }
}
BENCHMARK(BM_CompareAll)->ArgName("dim")->Arg(64)->Arg(128);

// Vectors by row, as a bundle has them.
class CatalogueVectors final : public RowVectors {
 public:
  explicit CatalogueVectors(uint32_t dim)
      : dim_(dim), values_(size_t{kCatalogue} * dim) {
    const TopicPool topics(dim);
    for (size_t row = 0; row < kCatalogue; ++row) {
      const size_t of = row % topics.scores.size();
      std::copy_n(&topics.vectors[of * dim], dim, &values_[row * dim]);
    }
  }
  uint32_t dim() const override { return dim_; }
  void GetVectors(std::span<const Row> rows, float* vectors) const override {
    for (size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(&values_[size_t{rows[i]} * dim_], dim_, vectors + i * dim_);
    }
  }

 private:
  const uint32_t dim_;
  std::vector<float> values_;
};

// All of fusion: three sources of 2000 proposals, a pool of 2000, a list of
// 500; lambda in hundredths, and above 100 without diversity.
void BM_FuseDiverse(benchmark::State& state) {
  const Proposals proposals(kPoolOfK * kK);
  const CatalogueVectors vectors(64);
  std::vector<FusionSource> sources;
  for (const auto& list : proposals.lists) {
    sources.push_back({.proposals = list, .target = 100, .weight = 1});
  }
  FusionOptions options{
      .policy = FusionPolicy::kQuota, .k = kK, .has_model = true};
  if (state.range(0) <= 100) {
    options.diversity = {&vectors, static_cast<double>(state.range(0)) / 100};
  }
  FusionResult result;
  for (auto _ : state) {
    Fuse(sources, options, &result);
    benchmark::DoNotOptimize(result.candidates.data());
  }
}
BENCHMARK(BM_FuseDiverse)->ArgName("lambda")->Arg(50)->Arg(70)->Arg(101);

}  // namespace
}  // namespace tributary
