// Fusion alone: three sources of 500 proposals each, a list of 500, beside the
// least that a merge without quotas, order or provenance does.
#include <benchmark/benchmark.h>

#include <random>
#include <unordered_set>
#include <vector>

#include "server/fusion/fuse.h"

namespace tributary {
namespace {

constexpr uint32_t kK = 500;
constexpr uint32_t kCatalogue = 60000;

struct Proposals {
  Proposals() {
    std::mt19937_64 random(1);
    for (auto& list : lists) {
      // A fifth of the proposals are among the first 2000 rows, so that the
      // sources overlap.
      std::unordered_set<Row> rows;
      while (rows.size() < kK) {
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

}  // namespace
}  // namespace tributary
