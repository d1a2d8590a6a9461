// What items that live changes added cost a search: a space of vectors with an
// index, and more vectors beside it, searched with and without them in turns.
// CPU time of the searching thread, because other programs run, too.
//
//   added_bench [--items 1000000] [--share 0.1] [--dim 64] [--n 500]
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "fmt/format.h"
#include "index/search/choose_index.h"
#include "index/search/coded_index.h"
#include "server/retrieval/added_items.h"
#include "server/retrieval/vector_retriever.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

constexpr size_t kQueries = 200;
constexpr int kRounds = 9;

double CpuNs() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 +
         static_cast<double>(time.tv_nsec);
}

// Vectors around `clusters` centres.
std::vector<float> Clustered(size_t count, uint32_t dim, uint32_t seed,
                             std::span<const float> centres) {
  std::vector<float> values = RandomVectors(count, dim, seed);
  std::mt19937 random(seed + 1);
  const size_t n_centres = centres.size() / dim;
  for (size_t i = 0; i < count; ++i) {
    const float* const centre = &centres[random() % n_centres * dim];
    for (uint32_t d = 0; d < dim; ++d) {
      float& x = values[i * dim + d];
      x = .5F * x + centre[d];
    }
  }
  return values;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int Run(size_t items, double share, uint32_t dim, uint32_t n) {
  const std::vector<float> centres = RandomVectors(1000, dim, 1);
  const std::vector<float> values = Clustered(items, dim, 2, centres);
  const std::vector<float> queries = Clustered(kQueries, dim, 3, centres);
  IndexInput input;
  input.values = values;
  input.stored = {std::span<const float>(values), dim};
  input.kind = "auto";
  input.target_recall = .99;
  input.target_n = n;
  input.queries = queries;
  input.threads = 2;
  auto chosen = ChooseIndex(input);
  if (!chosen.ok()) {
    std::fprintf(stderr, "%s\n", chosen.status().ToString().c_str());
    return 1;
  }
  SpaceBundle space{.item_count = items, .dim = dim};
  space.items = values;
  *space.spec.mutable_index() = chosen->spec;
  if (chosen->arrays.has_value()) {
    space.add_files = [&](BundleWriter* writer) {
      return WriteCodedArrays("space", *chosen->arrays, writer);
    };
  }
  const auto bundle = space.Open();
  const auto retriever =
      VectorRetriever::Create(*bundle, bundle->manifest().retrievers(0));
  if (!retriever.ok()) {
    std::fprintf(stderr, "%s\n", retriever.status().ToString().c_str());
    return 1;
  }
  const auto added = static_cast<size_t>(static_cast<double>(items) * share);
  const std::vector<float> fresh = Clustered(added, dim, 4, centres);
  const double begin = CpuNs();
  AddedItems::Builder builder(*bundle, nullptr);
  for (size_t i = 0; i < added; ++i) {
    NewItem item;
    item.key = std::to_string(items + i);
    item.vectors = {{&fresh[i * dim], &fresh[i * dim] + dim}};
    builder.Add(std::move(item), i + 1);
  }
  const auto exact = builder.Finish();
  const double made = CpuNs();
  const auto coded = AddedItems::WithCodes(*exact);
  std::printf(
      "%zu items (%s), %zu added: made in %.2f s, and their codes in %.2f s\n",
      items, chosen->spec.kind().c_str(), added, (made - begin) / 1e9,
      (CpuNs() - made) / 1e9);

  std::vector<ScoredRow> hits;
  std::vector<ScoredRow> truth;
  const auto ask = [&](size_t q, const std::shared_ptr<const AddedItems>& with,
                       bool exactly, std::vector<ScoredRow>* to) {
    const SpaceVector vector = {
        .space = "space", .values = std::span(queries).subspan(q * dim, dim)};
    RetrieverQuery query;
    query.vectors = {&vector, 1};
    query.added = with;
    if (with != nullptr) query.added_allowed = with->live();
    const auto asked = exactly ? (*retriever)->RetrieveExact(query, n, to)
                               : (*retriever)->Retrieve(query, n, to);
    if (!asked.ok()) std::exit(1);
  };
  const std::vector<std::shared_ptr<const AddedItems>> kinds = {nullptr, exact,
                                                                coded};
  std::vector<std::vector<double>> ns(kinds.size());
  for (int round = 0; round < kRounds; ++round) {
    for (size_t kind = 0; kind < kinds.size(); ++kind) {
      const double start = CpuNs();
      for (size_t q = 0; q < kQueries; ++q) ask(q, kinds[kind], false, &hits);
      ns[kind].push_back((CpuNs() - start) / kQueries);
    }
  }
  const double without = Median(ns[0]);
  std::printf(
      "%u results: %.1f us without, %.2f times that one by one, "
      "%.2f times with codes\n",
      n, without / 1e3, Median(ns[1]) / without, Median(ns[2]) / without);
  uint64_t wanted = 0;
  uint64_t found = 0;
  for (size_t q = 0; q < kQueries; ++q) {
    ask(q, coded, true, &truth);
    ask(q, coded, false, &hits);
    std::vector<Row> rows;
    for (const ScoredRow& hit : hits) rows.push_back(hit.row);
    std::sort(rows.begin(), rows.end());
    for (const ScoredRow& hit : truth) {
      if (hit.row < items) continue;
      ++wanted;
      found += std::binary_search(rows.begin(), rows.end(), hit.row) ? 1 : 0;
    }
  }
  std::printf("recall of the added items among the best %u: %.4f of %lu\n", n,
              static_cast<double>(found) / static_cast<double>(wanted),
              static_cast<unsigned long>(wanted));
  return 0;
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
  CLI::App app("What added items cost a search");
  size_t items = 1'000'000;
  double share = .1;
  uint32_t dim = 64;
  uint32_t n = 500;
  app.add_option("--items", items);
  app.add_option("--share", share);
  app.add_option("--dim", dim);
  app.add_option("--n", n);
  CLI11_PARSE(app, argc, argv);
  return tributary::Run(items, share, dim, n);
}
