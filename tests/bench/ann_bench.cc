// Searches vectors of two .npy files as a bundle would, one query at a time,
// and says what it costs. With --serve it runs a pass over the queries whenever
// a line comes, so that another program can alternate with it:
// tests/bench/peers/compare.py does.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "fmt/core.h"
#include "hwy/targets.h"
#include "index/bundle/npy.h"
#include "index/search/choose_index.h"
#include "index/search/coded_search.h"
#include "index/search/recall.h"
#include "index/train/half_precision.h"

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;

double MicrosSince(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start)
      .count();
}

constexpr size_t kFilteredQueries = 100;
// Of each filter. From the fourth search on, one that passes little has codes of
// its own.
constexpr int kPasses = 8;

struct Flags {
  std::string items;
  std::string queries;
  std::string kind = "ivf";
  uint32_t n = 500;
  uint32_t lists = 0;
  uint32_t threads = 2;
  double target_recall = 0.99;
  bool no_avx512 = false;
  bool serve = false;
};

// The first half of the queries chooses the settings, the second is measured.
class Bench {
 public:
  Bench(const Flags& flags, const NpyArray& items, const NpyArray& queries)
      : flags_(flags),
        dim_(static_cast<uint32_t>(items.header().columns)),
        values_(items.elements<float>().begin(),
                items.elements<float>().end()) {
    RoundToHalf(&values_);
    halves_ = ToHalves(values_);
    const auto all = queries.elements<float>();
    const size_t half = queries.header().rows / 2 * dim_;
    tuning_ = all.first(half);
    measured_ = all.subspan(half);
  }

  absl::Status Build() {
    const auto start = Clock::now();
    auto chosen = ChooseIndex({.values = values_,
                               .stored = Stored(),
                               .kind = flags_.kind,
                               .lists = flags_.lists,
                               .target_recall = flags_.target_recall,
                               .target_n = flags_.n,
                               .queries = tuning_,
                               .threads = flags_.threads});
    if (!chosen.ok()) return chosen.status();
    build_s_ = MicrosSince(start) / 1e6;
    chosen_ = *std::move(chosen);
    answers_.resize(measured_.size() / dim_);
    for (size_t i = 0; i < answers_.size(); ++i) {
      const absl::Status status = FlatScan({values_, dim_}, Query(i), flags_.n,
                                           {}, SteadyTime::max(), &answers_[i]);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  // What is resident when it is searched.
  double BytesPerItem() const {
    const CodedArrays& a = *chosen_.arrays;
    const double bytes =
        static_cast<double>(a.codes.size() +
                            4 * (a.positions.size() + a.slots.size() +
                                 a.centroids.size() + a.codewords.size()) +
                            2 * halves_.size());
    return bytes / static_cast<double>(a.slots.size());
  }

  std::string Describe() const {
    const v1::IndexSpec& spec = chosen_.spec;
    return fmt::format(
        "{{\"kind\":\"{}\",\"lists\":{},\"probes\":{},\"rescored\":{},"
        "\"build_s\":{:.2f},\"bytes_per_item\":{:.1f}}}",
        spec.kind(), spec.lists(), spec.probes(), spec.reranked(), build_s_,
        BytesPerItem());
  }

  // One query after the other, for n results with the effort for `effort_n`.
  std::string Pass(uint32_t n, uint32_t effort_n) const {
    SearchEffort effort = Searcher(BuiltEffort()).EffortFor(effort_n);
    effort.n = n;
    const CodedSearcher searcher = Searcher(effort);
    std::vector<double> micros;
    std::vector<ScoredRow> hits;
    double recall = 0;
    for (size_t i = 0; i < answers_.size(); ++i) {
      const auto start = Clock::now();
      const absl::Status status =
          searcher.Search(Query(i), n, {}, SteadyTime::max(), &hits);
      micros.push_back(MicrosSince(start));
      if (!status.ok()) return std::string(status.message());
      if (n <= answers_[i].size()) {
        recall += Recall(std::span(answers_[i]).first(n), hits);
      }
    }
    double sum = 0;
    for (const double m : micros) sum += m;
    std::sort(micros.begin(), micros.end());
    const size_t count = micros.size();
    return fmt::format(
        "{{\"mean\":{:.2f},\"p50\":{:.2f},\"p99\":{:.2f},\"recall\":{:.5f}}}",
        sum / static_cast<double>(count), micros[count / 2],
        micros[count * 99 / 100], recall / static_cast<double>(count));
  }

  // A share of the items may be found: the same random ones for every query,
  // or the best of each query, its worst, or the best of
  // another query.
  std::string Allowed(const std::string& which, double share) const {
    const CodedSearcher searcher = Searcher(BuiltEffort());
    const auto vectors = static_cast<uint32_t>(values_.size() / dim_);
    const auto many = std::max(
        1U, static_cast<uint32_t>(share * static_cast<double>(vectors)));
    std::vector<std::unique_ptr<AllowedSlots>> allowed;
    if (which == "random") {
      RowSet positions(vectors);
      uint64_t draw = 1;
      for (uint32_t i = 0; i < vectors; ++i) {
        draw = draw * 6364136223846793005U + 1442695040888963407U;
        if (static_cast<double>(draw >> 33) < share * 2147483648.0) {
          positions.Add(i);
        }
      }
      allowed.push_back(std::make_unique<AllowedSlots>(std::move(positions)));
    } else {
      std::vector<ScoredRow> best;
      std::vector<float> query(dim_);
      for (size_t q = 0; q < kFilteredQueries && q < answers_.size(); ++q) {
        RowSet positions(vectors);
        // The worst of a query are the best of its opposite.
        const size_t from = which == "other" ? (q + 1) % answers_.size() : q;
        for (uint32_t d = 0; d < dim_; ++d) {
          query[d] = which == "worst" ? -Query(from)[d] : Query(from)[d];
        }
        (void)FlatScan({values_, dim_}, query, many, {}, SteadyTime::max(),
                       &best);
        for (const ScoredRow& hit : best) positions.Add(hit.row);
        allowed.push_back(std::make_unique<AllowedSlots>(std::move(positions)));
      }
    }
    for (const auto& each : allowed) searcher.Allow(each.get());
    const auto of = [&](size_t query) -> const AllowedSlots& {
      return *allowed[allowed.size() == 1 ? 0 : query];
    };
    return Filtered(
        [&](size_t i, std::vector<ScoredRow>* hits, SearchWork*) {
          return FlatScanAllowed({values_, dim_}, Query(i), flags_.n, of(i), {},
                                 SteadyTime::max(), hits);
        },
        [&](size_t i, std::vector<ScoredRow>* hits, SearchWork* work) {
          return searcher.SearchAllowed(Query(i), flags_.n, of(i), {},
                                        SteadyTime::max(), hits, work);
        });
  }

  // Random items are left out.
  std::string Excluded(uint32_t many) const {
    const CodedSearcher searcher = Searcher(BuiltEffort());
    const auto vectors = static_cast<uint32_t>(values_.size() / dim_);
    std::vector<uint32_t> excluded;
    uint64_t draw = 1;
    for (uint32_t i = 0; i < vectors; ++i) {
      draw = draw * 6364136223846793005U + 1442695040888963407U;
      if ((draw >> 33) % vectors < many) excluded.push_back(i);
    }
    return Filtered(
        [&](size_t i, std::vector<ScoredRow>* hits, SearchWork*) {
          return FlatScan({values_, dim_}, Query(i), flags_.n, excluded,
                          SteadyTime::max(), hits);
        },
        [&](size_t i, std::vector<ScoredRow>* hits, SearchWork* work) {
          return searcher.Search(Query(i), flags_.n, excluded,
                                 SteadyTime::max(), hits, work);
        });
  }

  // The best `seen` items of each query are left out.
  std::string Seen(uint32_t seen) const {
    const CodedSearcher searcher = Searcher(BuiltEffort());
    std::vector<ScoredRow> best;
    const size_t queries = std::min<size_t>(kFilteredQueries, answers_.size());
    std::vector<std::vector<uint32_t>> excluded(queries);
    for (size_t i = 0; i < queries; ++i) {
      (void)FlatScan({values_, dim_}, Query(i), seen, {}, SteadyTime::max(),
                     &best);
      for (const ScoredRow& hit : best) excluded[i].push_back(hit.row);
      std::sort(excluded[i].begin(), excluded[i].end());
    }
    return Filtered(
        [&](size_t i, std::vector<ScoredRow>* hits, SearchWork*) {
          return FlatScan({values_, dim_}, Query(i), flags_.n, excluded[i],
                          SteadyTime::max(), hits);
        },
        [&](size_t i, std::vector<ScoredRow>* hits, SearchWork* work) {
          return searcher.Search(Query(i), flags_.n, excluded[i],
                                 SteadyTime::max(), hits, work);
        });
  }

  // Callers in the process, each with one query at a time, for about a second.
  std::string Throughput(uint32_t callers) const {
    const CodedSearcher searcher = Searcher(BuiltEffort());
    std::vector<std::thread> threads;
    std::vector<uint64_t> done(callers, 0);
    const auto start = Clock::now();
    for (uint32_t t = 0; t < callers; ++t) {
      threads.emplace_back([&, t] {
        std::vector<ScoredRow> hits;
        for (size_t i = t; MicrosSince(start) < 1e6; ++i) {
          (void)searcher.Search(Query(i % answers_.size()), flags_.n, {},
                                SteadyTime::max(), &hits);
          ++done[t];
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    uint64_t all = 0;
    for (const uint64_t d : done) all += d;
    return fmt::format("{{\"qps\":{:.0f}}}",
                       static_cast<double>(all) * 1e6 / MicrosSince(start));
  }

 private:
  using Find = std::function<absl::Status(
      size_t query, std::vector<ScoredRow>* hits, SearchWork* work)>;

  // The time of `find`, in microseconds, its recall of what `exact` finds, and
  // its time beside that of unfiltered searches, which alternate with it. Every
  // query is searched after another one, as a server would; the fastest of some
  // passes counts, because other programs slow down the others.
  std::string Filtered(const Find& exact, const Find& find) const {
    const size_t queries = std::min<size_t>(kFilteredQueries, answers_.size());
    std::vector<std::vector<ScoredRow>> wanted(queries);
    std::vector<std::vector<ScoredRow>> hits(queries);
    std::vector<ScoredRow> unfiltered;
    for (size_t i = 0; i < queries; ++i) {
      const absl::Status status = exact(i, &wanted[i], nullptr);
      if (!status.ok()) return std::string(status.message());
    }
    const CodedSearcher searcher = Searcher(BuiltEffort());
    std::vector<SearchWork> works(queries);
    std::vector<double> micros(queries, 1e9);
    std::vector<double> beside(queries, 1e9);
    for (int pass = 0; pass < kPasses; ++pass) {
      for (const bool filtered : {false, true}) {
        for (size_t i = 0; i < queries; ++i) {
          const auto start = Clock::now();
          const absl::Status status =
              filtered ? find(i, &hits[i], &works[i])
                       : searcher.Search(Query(i), flags_.n, {},
                                         SteadyTime::max(), &unfiltered);
          double& best = filtered ? micros[i] : beside[i];
          best = std::min(best, MicrosSince(start));
          if (!status.ok()) return std::string(status.message());
        }
      }
    }
    double recall = 0;
    uint64_t fewer = 0;
    uint64_t blocks = 0;
    uint64_t scored = 0;
    for (size_t i = 0; i < queries; ++i) {
      recall += Recall(wanted[i], hits[i]);
      blocks += works[i].blocks;
      scored += works[i].reranked;
      fewer += hits[i].size() < wanted[i].size() ? 1 : 0;
    }
    const auto mean = [&](const std::vector<double>& of) {
      return std::accumulate(of.begin(), of.end(), 0.0) /
             static_cast<double>(queries);
    };
    return fmt::format(
        "{{\"mean\":{:.2f},\"worst\":{:.2f},\"unfiltered\":{:.2f},"
        "\"ratio\":{:.2f},\"recall\":{:.5f},\"fewer\":{},"
        "\"blocks\":{},\"scored\":{}}}",
        mean(micros), *std::max_element(micros.begin(), micros.end()),
        mean(beside), mean(micros) / mean(beside),
        recall / static_cast<double>(queries), fewer, blocks / queries,
        scored / queries);
  }

  StoredVectors Stored() const {
    return {std::span<const Half>(halves_), dim_};
  }
  std::span<const float> Query(size_t i) const {
    return measured_.subspan(i * dim_, dim_);
  }
  SearchEffort BuiltEffort() const {
    const v1::IndexSpec& spec = chosen_.spec;
    return {spec.measured_n(), spec.probes(), spec.reranked(),
            spec.small_n_exponent()};
  }
  CodedSearcher Searcher(const SearchEffort& effort) const {
    return CodedSearcher(chosen_.arrays->view(), Stored(), effort);
  }

  const Flags& flags_;
  const uint32_t dim_;
  std::vector<float> values_;
  std::vector<Half> halves_;
  std::span<const float> tuning_;
  std::span<const float> measured_;
  std::vector<std::vector<ScoredRow>> answers_;
  ChosenIndex chosen_;
  double build_s_ = 0;
};

// "pass N EFFORT_N", "threads CALLERS 0", "random|best|worst|other PER_MILLION
// 0" for the items that are allowed, and "excluded|seen ITEMS 0", one a line.
void Serve(const Bench& bench) {
  std::string what;
  uint32_t number = 0;
  uint32_t effort_n = 0;
  while (std::cin >> what >> number >> effort_n) {
    std::string line = "what?";
    if (what == "pass") line = bench.Pass(number, effort_n);
    if (what == "threads") line = bench.Throughput(number);
    if (what == "random" || what == "best" || what == "worst" ||
        what == "other") {
      line = bench.Allowed(what, number / 1e6);
    }
    if (what == "excluded") line = bench.Excluded(number);
    if (what == "seen") line = bench.Seen(number);
    fmt::print("{}\n", line);
    std::fflush(stdout);
  }
}

int Run(const Flags& flags) {
  if (flags.no_avx512) {
    hwy::DisableTargets(HWY_AVX3 | HWY_AVX3_DL);
  }
  const auto items = NpyArray::Open(flags.items);
  const auto queries = NpyArray::Open(flags.queries);
  for (const auto* array : {&items, &queries}) {
    if (!array->ok() || (*array)->header().dtype != Dtype::kFloat32) {
      fmt::print(stderr, "{}\n",
                 array->ok() ? "float32 is expected"
                             : std::string(array->status().message()));
      return 1;
    }
  }
  Bench bench(flags, *items, *queries);
  const absl::Status built = bench.Build();
  if (!built.ok()) {
    fmt::print(stderr, "{}\n", std::string(built.message()));
    return 1;
  }
  fmt::print("{}\n", bench.Describe());
  std::fflush(stdout);
  if (flags.serve) {
    Serve(bench);
  } else {
    for (int i = 0; i < 5; ++i)
      fmt::print("{}\n", bench.Pass(flags.n, flags.n));
  }
  return 0;
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
  CLI::App app("Searches vectors of .npy files, one query at a time.");
  tributary::Flags flags;
  app.add_option("--items", flags.items, "float32 [n, dim]")->required();
  app.add_option("--queries", flags.queries, "float32 [n, dim]")->required();
  app.add_option("--kind", flags.kind, "scan or ivf");
  app.add_option("--n", flags.n, "results");
  app.add_option("--lists", flags.lists, "0: as a build has it");
  app.add_option("--threads", flags.threads, "of the build");
  app.add_option("--target-recall", flags.target_recall, "of the best n");
  app.add_flag("--no-avx512", flags.no_avx512, "as on a processor without it");
  app.add_flag("--serve", flags.serve, "read what to do from standard input");
  CLI11_PARSE(app, argc, argv);
  return tributary::Run(flags);
}
