// Exact search of 65 536 vectors for the best 500, one thread, one query at a
// time: ours in both precisions beside FAISS as Debian builds it, flat and with
// shares of the lists of an IVF.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "index/search/faiss_build.h"
#include "index/search/vector_index.h"
#include "index/train/half_precision.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

constexpr size_t kVectors = 65536;
constexpr uint32_t kN = 500;
constexpr size_t kQueries = 64;

SpaceBundle Space(uint32_t dim) {
  return {.item_count = kVectors,
          .dim = dim,
          .items = RandomVectors(kVectors, dim, 1)};
}

void Search(benchmark::State& state, const SpaceBundle& space) {
  const auto bundle = space.Open();
  const auto index = OpenIndex(*bundle, bundle->spaces().front());
  if (!index.ok()) {
    state.SkipWithError(index.status().ToString().c_str());
    return;
  }
  const auto queries = RandomVectors(kQueries, space.dim, 2);
  std::vector<ScoredRow> hits;
  size_t next = 0;
  for (auto _ : state) {
    const std::span query(&queries[next++ % kQueries * space.dim], space.dim);
    const auto status =
        (*index)->Search(query, kN, {}, SteadyTime::max(), &hits);
    if (!status.ok()) state.SkipWithError(status.ToString().c_str());
    benchmark::DoNotOptimize(hits.data());
  }
}

void BM_FlatFloat32(benchmark::State& state) {
  Search(state, Space(static_cast<uint32_t>(state.range(0))));
}

void BM_FlatFloat16(benchmark::State& state) {
  SpaceBundle space = Space(static_cast<uint32_t>(state.range(0)));
  RoundToHalf(&space.items);
  space.halves = ToHalves(std::exchange(space.items, {}));
  Search(state, space);
}

void Faiss(benchmark::State& state, const std::string& factory,
           uint32_t nprobe) {
  SpaceBundle space = Space(static_cast<uint32_t>(state.range(0)));
  const auto queries = RandomVectors(1, space.dim, 3);
  space.write_index = [&](const std::filesystem::path& path) {
    return BuildFaissIndex({.values = space.items,
                            .dim = space.dim,
                            .factory = factory,
                            .target_recall = 0,
                            .target_n = kN,
                            .queries = queries},
                           path)
        .status();
  };
  space.spec.mutable_index()->set_kind("faiss");
  space.spec.mutable_index()->set_factory(factory);
  space.spec.mutable_index()->set_nprobe(nprobe);
  Search(state, space);
}

void BM_FaissFlat(benchmark::State& state) { Faiss(state, "Flat", 0); }
void BM_FaissIvf(benchmark::State& state) {
  Faiss(state, "IVF1024,Flat", static_cast<uint32_t>(state.range(1)));
}

BENCHMARK(BM_FlatFloat32)
    ->ArgName("dim")
    ->Arg(64)
    ->Arg(128)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_FlatFloat16)
    ->ArgName("dim")
    ->Arg(64)
    ->Arg(128)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_FaissFlat)
    ->ArgName("dim")
    ->Arg(64)
    ->Arg(128)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_FaissIvf)
    ->ArgNames({"dim", "nprobe"})
    ->ArgsProduct({{64, 128}, {16, 64, 128}})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tributary
