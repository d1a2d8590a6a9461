// What a filter that nobody has used before costs, at a million items: finding
// what passes, and putting that into the form of a vector index. The latter
// stands beside a copy of a bitmap. And what a batch of live changes of one
// attribute costs.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "index/bundle/change_column.h"
#include "index/filter/filter_cache.h"
#include "index/search/coded_search.h"
#include "tests/index/filter/attributed_items.h"

namespace tributary {
namespace {

constexpr uint32_t kItems = 1'000'000;
constexpr uint32_t kLists = 1400;

const Bundle& Million() {
  static const std::shared_ptr<const Bundle> bundle =
      OpenBundleOf(DrawItems(kItems, 1));
  return *bundle;
}

// Parsing, compiling and evaluating, as for a filter that is not in the cache.
void Resolve(benchmark::State& state, const std::string& where) {
  double passing = 0;
  const Bundle& bundle = Million();
  for (auto _ : state) {
    const auto resolved = ResolveFilter(bundle, where, nullptr, {});
    if (!resolved.ok()) {
      state.SkipWithError(std::string(resolved.status().message()).c_str());
      break;
    }
    passing = static_cast<double>((*resolved)->items.count());
  }
  state.counters["passing"] = passing;
}
BENCHMARK_CAPTURE(Resolve, one_bitmap, "in_stock")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(Resolve, one_range, "price < 3000")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(Resolve, three_terms,
                  "in_stock AND price < 3000 AND created_at >= 1970-02-01")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(Resolve, three_ranges,
                  "year > 2100 AND price < 3000 AND created_at >= 1970-02-01")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(Resolve, any_of_three,
                  "in_stock OR price < 3000 OR created_at >= 1970-02-01")
    ->Unit(benchmark::kMicrosecond);

// A batch of live changes of one attribute: `items` items get values that other
// items have; or each a text or a number of its own, so that all codes move.
void Change(benchmark::State& state, const std::string& name, bool fresh) {
  const AttributeColumn& mapped = *Million().FindAttribute(name);
  std::mt19937 random(1);
  int values = 0;
  const auto draw = [&]() -> ColumnValue {
    const auto code = static_cast<uint32_t>(random() % mapped.values());
    switch (mapped.type()) {
      case v1::BOOLEAN:
        return code == 1;
      case v1::NUMBER:
        return fresh ? ++values + 0.001 : mapped.Number(code);
      case v1::TAGS:
        return std::vector<std::string>{std::string(mapped.Text(code))};
      default:
        return fresh ? std::to_string(++values)
                     : std::string(mapped.Text(code));
    }
  };
  const AttributeColumn* before = &mapped;
  std::unique_ptr<const AttributeColumn> column;
  for (auto _ : state) {
    state.PauseTiming();
    std::map<Row, ColumnValue> drawn;
    while (drawn.size() < static_cast<size_t>(state.range(0))) {
      drawn[static_cast<Row>(random() % kItems)] = draw();
    }
    std::vector<RowValue> changes;
    for (auto& [row, value] : drawn) changes.push_back({row, std::move(value)});
    state.ResumeTiming();
    auto after = std::make_unique<const AttributeColumn>(
        ChangeColumn(mapped, *before, std::move(changes)));
    column = std::move(after);
    before = column.get();
  }
}
BENCHMARK_CAPTURE(Change, bool, "in_stock", false)
    ->Arg(1)
    ->Arg(1000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Change, category, "brand", false)
    ->Arg(1)
    ->Arg(1000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Change, new_category, "brand", true)
    ->Arg(1000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Change, tags, "tags", false)
    ->Arg(1)
    ->Arg(1000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Change, number, "price", false)
    ->Arg(1)
    ->Arg(1000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Change, new_number, "price", true)
    ->Arg(1)
    ->Arg(1000)
    ->Unit(benchmark::kMillisecond);

void FromCache(benchmark::State& state) {
  FilterCache cache;
  const FilterLimits limits{.cache_bytes = 1 << 26};
  bool hit = false;
  for (auto _ : state) {
    benchmark::DoNotOptimize(cache.Resolve(
        Million(), "in_stock AND price < 3000", nullptr, limits, &hit));
  }
}
BENCHMARK(FromCache)->Unit(benchmark::kMicrosecond);

// An index of kind ivf, of which there is nothing but which list each vector is
// in: random ones, in the order of their positions.
class Lists {
 public:
  Lists() : slots_(kItems), centroids_(kLists), spreads_(kLists) {
    std::mt19937 random(1);
    std::vector<std::vector<uint32_t>> members(kLists);
    for (uint32_t i = 0; i < kItems; ++i)
      members[random() % kLists].push_back(i);
    blocks_.push_back(0);
    for (const auto& list : members) {
      for (const uint32_t position : list) {
        slots_[position] = static_cast<uint32_t>(positions_.size());
        positions_.push_back(position);
      }
      while (positions_.size() % kBlockItems != 0) {
        positions_.push_back(kNoPosition);
      }
      blocks_.push_back(static_cast<uint32_t>(positions_.size() / kBlockItems));
    }
    const CodedVectors coded{centroids_, blocks_, spreads_,
                             positions_, slots_,  {64, 2, codewords_},
                             {}};
    searcher_ = std::make_unique<CodedSearcher>(
        coded, StoredVectors{std::span<const float>(), 64},
        SearchEffort{500, 138, 1400});
  }
  const CodedSearcher& searcher() const { return *searcher_; }

 private:
  std::vector<uint32_t> blocks_, positions_, slots_;
  std::vector<float> centroids_, spreads_;
  std::vector<float> codewords_ = std::vector<float>(size_t{64} * kCodewords);
  std::unique_ptr<CodedSearcher> searcher_;
};

// What the first search with a filter does for each space. The argument is how
// many of a million pass.
void Allow(benchmark::State& state) {
  static const Lists lists;
  RowSet rows(kItems);
  std::mt19937 random(2);
  for (uint32_t i = 0; i < kItems; ++i) {
    if (random() % kItems < state.range(0)) rows.Add(i);
  }
  for (auto _ : state) {
    AllowedSlots allowed{RowSet(rows)};
    lists.searcher().Allow(&allowed);
    benchmark::DoNotOptimize(allowed.most_direct);
  }
}
BENCHMARK(Allow)
    ->Unit(benchmark::kMicrosecond)
    ->Arg(900'000)
    ->Arg(500'000)
    ->Arg(100'000)
    ->Arg(10'000)
    ->Arg(100);

void CopyBitmap(benchmark::State& state) {
  const RowSet rows(kItems);
  for (auto _ : state) {
    RowSet copy(rows);
    benchmark::DoNotOptimize(copy.mutable_words().data());
  }
}
BENCHMARK(CopyBitmap)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tributary
