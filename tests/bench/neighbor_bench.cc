// The retriever "neighbors" on 100 000 items of 200 neighbours each, for 500
// proposals, by length of history.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "index/bundle/bundle.h"
#include "index/bundle/bundle_writer.h"
#include "server/retrieval/neighbor_retriever.h"

namespace tributary {
namespace {

constexpr uint32_t kItems = 100000;
constexpr uint32_t kWidth = 200;
constexpr uint32_t kProposals = 500;

void Require(const absl::Status& status) {
  if (status.ok()) return;
  fmt::print(stderr, "{}\n", std::string(status.message()));
  std::exit(1);
}

// A bundle of that table, in a directory that goes when this does.
class TableBundle {
 public:
  TableBundle() {
    auto writer = BundleWriter::Create(root_, 1);
    Require(writer.status());
    KeyList items;
    for (uint64_t id = 0; id < kItems; ++id) items.ids.push_back(id);
    Require(writer->AddKeys("items", items));
    std::mt19937_64 random(1);
    std::vector<Row> rows;
    std::vector<Half> scores;
    for (uint32_t i = 0; i < kItems * kWidth; ++i) {
      // Neighbours are near: what is alike has neighbours in common.
      const uint64_t near = i / kWidth + random() % 4096;
      rows.push_back(static_cast<Row>(near % kItems));
      scores.push_back({static_cast<uint16_t>(0x3400 + random() % 0x400)});
    }
    Require(writer->AddArray<uint32_t>("neighbors.t.rows.npy", rows, kWidth));
    Require(writer->AddArray<Half>("neighbors.t.scores.npy", scores, kWidth));
    v1::Manifest manifest;
    manifest.mutable_items()->set_kind(v1::UINT64);
    manifest.mutable_items()->set_count(kItems);
    manifest.add_neighbors()->set_name("t");
    manifest.mutable_neighbors(0)->set_width(kWidth);
    v1::RetrieverSpec& spec = *manifest.add_retrievers();
    spec.set_name("t");
    spec.set_kind("neighbors");
    spec.set_table("t");
    spec.set_decay(0.5);
    spec.set_max_history(1000);
    const auto dir = writer->Finish(manifest);
    Require(dir.status());
    auto bundle = Bundle::Open(*dir);
    Require(bundle.status());
    bundle_ = *std::move(bundle);
  }
  TableBundle(const TableBundle&) = delete;
  TableBundle& operator=(const TableBundle&) = delete;
  ~TableBundle() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  const Bundle& operator*() const { return *bundle_; }

 private:
  const std::filesystem::path root_ =
      std::filesystem::temp_directory_path() /
      fmt::format("tributary-neighbor-bench-{}", ::getpid());
  std::shared_ptr<const Bundle> bundle_;
};

void BM_Neighbors(benchmark::State& state) {
  static const TableBundle bundle;
  const auto retriever =
      NeighborRetriever::Create(*bundle, (*bundle).manifest().retrievers(0));
  Require(retriever.status());
  std::mt19937_64 random(2);
  std::vector<Row> history;
  std::vector<ScoredRow> proposals;
  for (auto _ : state) {
    state.PauseTiming();
    history.clear();
    for (int i = 0; i < state.range(0); ++i) {
      history.push_back(static_cast<Row>(random() % kItems));
    }
    state.ResumeTiming();
    Require((*retriever)
                ->Retrieve({.history = history}, kProposals, &proposals)
                .status());
    benchmark::DoNotOptimize(proposals.data());
  }
}
BENCHMARK(BM_Neighbors)->ArgName("history")->Arg(5)->Arg(50)->Arg(200);

}  // namespace
}  // namespace tributary
