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

void BM_Fuse(benchmark::State& state) {
  const Proposals proposals;
  const uint32_t targets[] = {300, 150, 50};
  std::vector<FusionSource> sources;
  for (size_t s = 0; s < 3; ++s) {
    sources.push_back(
        {.proposals = proposals.lists[s], .target = targets[s], .weight = 1});
  }
  const FusionOptions options{
      .policy = static_cast<FusionPolicy>(state.range(0)),
      .k = kK,
      .has_model = true};
  FusionResult result;
  for (auto _ : state) {
    Fuse(sources, options, &result);
    benchmark::DoNotOptimize(result.candidates.data());
  }
}
BENCHMARK(BM_Fuse)
    ->ArgName("policy")
    ->Arg(static_cast<int>(FusionPolicy::kQuota))
    ->Arg(static_cast<int>(FusionPolicy::kRrf))
    ->Arg(static_cast<int>(FusionPolicy::kWeighted))
    ->Arg(static_cast<int>(FusionPolicy::kInterleave));

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
