#include "index/search/coded_search.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>

#include "fmt/core.h"
#include "index/search/dot_kernel.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// An item lies this many of its list's spreads further along the query than the
// centroid does: lists are ranked by the inner product there. Half a spread is
// what hardly any item that matters exceeds: lists that do not reach the worst
// survivor there are passed over. Both by measurement, with queries of length
// one; those of others are as much longer.
constexpr float kRankSpread = 0.4f;
constexpr float kReachSpread = 0.5f;
// List scores may spread over so much of 16 bits, the rest is the codes'.
constexpr float kBiasRange = 16'000;
// Lists score no more than this, either way: of numbers that have overflowed
// too, differences are finite.
constexpr float kMaxListScore = 1e38f;
// So far ahead positions are fetched.
constexpr size_t kFetchAhead = 32;
// Lists that are scanned for one look at the clock.
constexpr size_t kListsPerClock = 16;

// What a search takes, on one core of a server CPU of 2024 with AVX-512; half
// as much again with AVX2.
constexpr double kSearchNs = 2'000;
constexpr double kListNs = 0.5;
// A pair of codes of an item scanned.
constexpr double kPairNs = 0.03;
// A vector from anywhere in memory, and a value of it; one of many in order.
constexpr double kVectorNs = 4;
constexpr double kFarValueNs = 0.1;
constexpr double kValueNs = 0.06;
// Finding an item's place, and marking it.
constexpr double kMarkNs = 3;

// By how much lists and rescored vectors grow with n.
constexpr double kProbeGrowth = 0.3;
constexpr double kRescoreGrowth = 0.75;

float Length(std::span<const float> query) {
  double square = 0;
  for (const float x : query) square += double{x} * x;
  return static_cast<float>(std::min<double>(std::sqrt(square), kMaxListScore));
}

}  // namespace

struct CodedSearcher::Scratch {
  float query_length;
  // In order of promise: scores as ranked, ids lists.
  Shortlist lists;
  std::vector<float> padded_query;
  QueryTables tables;
  Survivors survivors;
  // By block; all zero between searches.
  std::vector<uint64_t> excluded;
  SearchWork work;

  static Scratch& OfThread() {
    thread_local Scratch scratch;
    return scratch;
  }
};

uint64_t CodedSearcher::CountExcluded(const List& list,
                                      const Scratch& scratch) {
  const auto first = scratch.excluded.begin() + list.first_block;
  const auto marked = std::transform_reduce(
      first, first + list.blocks - 1, uint64_t{0}, std::plus<>(),
      [](uint64_t bits) { return static_cast<uint64_t>(std::popcount(bits)); });
  // Behind its items, the last block may be marked too.
  const uint32_t empty = list.blocks * kBlockItems - list.items;
  return marked +
         static_cast<uint64_t>(std::popcount(first[list.blocks - 1] << empty));
}

struct CodedSearcher::Plan {
  uint32_t rescored;
  // Scanning ends when so many items that are not excluded have been seen.
  uint64_t enough;
  bool any_excluded;
  // Whether lists that do not promise anything are passed over.
  bool may_skip;
};

CodedSearcher::CodedSearcher(const CodedVectors& coded,
                             const StoredVectors& vectors,
                             const SearchEffort& effort)
    : coded_(coded), vectors_(vectors), effort_(effort) {
  lists_.reserve(coded.lists());
  for (uint32_t i = 0; i < coded.lists(); ++i) {
    const uint32_t first = coded.blocks[i];
    const uint32_t blocks = coded.blocks[i + 1] - first;
    uint32_t items = blocks * kBlockItems;
    while (items > 0 &&
           coded.positions[first * kBlockItems + items - 1] == kNoPosition) {
      --items;
    }
    lists_.push_back({first, blocks, items, coded.spreads[i]});
  }
}

SearchEffort CodedSearcher::EffortFor(uint32_t n) const {
  const double ratio = static_cast<double>(n) / effort_.n;
  const double probes = effort_.probes * std::pow(ratio, kProbeGrowth);
  const double rescored = effort_.rescored * std::pow(ratio, kRescoreGrowth);
  const double vectors = static_cast<double>(coded_.places.size());
  return {.n = n,
          .probes = static_cast<uint32_t>(
              std::clamp<double>(probes, 1, coded_.lists())),
          .rescored = static_cast<uint32_t>(std::clamp<double>(
              rescored, std::min<double>(n, vectors), vectors))};
}

void CodedSearcher::RankLists(std::span<const float> query, uint32_t want,
                              Scratch* scratch) const {
  const uint32_t lists = coded_.lists();
  Shortlist& ranked = scratch->lists;
  ranked.Reset(lists);
  ranked.set_size(lists);
  DotProducts(query, coded_.centroids.data(), lists, ranked.scores());
  const float spread_weight = kRankSpread * scratch->query_length;
  float* const scores = ranked.scores();
  for (uint32_t i = 0; i < lists; ++i) {
    const float score = scores[i] + spread_weight * coded_.spreads[i];
    scores[i] = score > -kMaxListScore ? std::min(score, kMaxListScore)
                                       : -kMaxListScore;
  }
  std::iota(ranked.ids(), ranked.ids() + lists, 0);
  if (want < lists) ranked.KeepBest(want, want / 16);
  SortByScore(&ranked);
}

void CodedSearcher::MakeRoom(Scratch* scratch) const {
  const size_t blocks = coded_.blocks.back();
  if (scratch->excluded.size() < blocks) scratch->excluded.resize(blocks, 0);
}

void CodedSearcher::Exclude(std::span<const uint32_t> excluded,
                            Scratch* scratch) const {
  if (excluded.empty()) return;
  MakeRoom(scratch);
  for (const uint32_t position : excluded) {
    const uint32_t place = coded_.places[position];
    scratch->excluded[place / kBlockItems] ^= uint64_t{1}
                                              << (place % kBlockItems);
  }
}

absl::Status CodedSearcher::Scan(std::span<const float> query, const Plan& plan,
                                 SteadyTime deadline, Scratch* scratch) const {
  Shortlist& lists = scratch->lists;
  const float length = scratch->query_length;
  const auto list_of = [&](size_t i) -> const List& {
    return lists_[lists.ids()[i]];
  };
  const auto centre = [&](size_t i) {
    return lists.scores()[i] - kRankSpread * length * list_of(i).spread;
  };
  const float base = centre(0);
  float lowest = base;
  for (size_t i = 1; i < lists.size(); ++i) {
    lowest = std::min(lowest, centre(i));
  }
  scratch->padded_query.assign(coded_.book.codes() * coded_.book.code_dims, 0);
  std::copy(query.begin(), query.end(), scratch->padded_query.begin());
  QueryTables& tables = scratch->tables;
  MakeTables(coded_.book, scratch->padded_query.data(),
             kBiasRange / std::max(base - lowest, 1e-30f), &tables);
  const float anchor = -static_cast<float>(kMaxEntry * coded_.book.codes()) / 2;
  const CodeScan scan{coded_.codes.data(), tables.entries.data(),
                      coded_.book.codes() / 2,
                      plan.any_excluded ? scratch->excluded.data() : nullptr};
  Survivors& survivors = scratch->survivors;
  survivors.Reset(plan.rescored);
  uint64_t seen = 0;
  for (size_t i = 0; i < lists.size() && seen < plan.enough; ++i) {
    if (i % kListsPerClock == 0 &&
        std::chrono::steady_clock::now() >= deadline) {
      return absl::DeadlineExceededError(fmt::format(
          "the deadline passed after {} of {} lists", i, lists.size()));
    }
    const List& list = list_of(i);
    const float above = (centre(i) - base) * tables.scale + anchor;
    const float reach =
        above +
        (kReachSpread * length * list.spread - tables.offset) * tables.scale;
    if (plan.may_skip && reach < survivors.threshold) continue;
    const List& next = list_of(std::min(i + 1, lists.size() - 1));
    ScanCodes(scan,
              {list.first_block, list.blocks, list.items,
               static_cast<int16_t>(std::clamp(above, -32767.0f, 32767.0f))},
              next.first_block, &survivors);
    scratch->work.scanned += list.items;
    seen += list.items;
    if (plan.any_excluded) seen -= CountExcluded(list, *scratch);
  }
  survivors.list.KeepBest(plan.rescored, plan.rescored / 32);
  return absl::OkStatus();
}

void CodedSearcher::Rescore(std::span<const float> query, uint32_t n,
                            Scratch* scratch,
                            std::vector<ScoredRow>* hits) const {
  Shortlist& list = scratch->survivors.list;
  scratch->work.rescored += list.size();
  for (size_t i = 0; i < list.size(); ++i) {
    const size_t ahead = std::min(i + kFetchAhead, list.size() - 1);
    __builtin_prefetch(&coded_.positions[list.ids()[ahead]]);
    list.ids()[i] = coded_.positions[list.ids()[i]];
  }
  std::visit(
      [&](const auto& values) {
        DotProductsAt(query, values.data(), {list.ids(), list.size()},
                      list.scores());
      },
      vectors_.values);
  TakeBest(n, &list, hits);
}

absl::Status CodedSearcher::Search(std::span<const float> query, uint32_t n,
                                   std::span<const uint32_t> excluded,
                                   SteadyTime deadline,
                                   std::vector<ScoredRow>* hits,
                                   SearchWork* work) const {
  RETURN_IF_ERROR(CheckQuery(query, vectors_.dim));
  Scratch& scratch = Scratch::OfThread();
  Exclude(excluded, &scratch);
  const absl::Status status =
      SearchMarked(query, n, coded_.places.size() - excluded.size(), deadline,
                   &scratch, hits);
  // What was set is unset.
  Exclude(excluded, &scratch);
  if (work != nullptr) *work = scratch.work;
  return status;
}

absl::Status CodedSearcher::SearchAllowed(std::span<const float> query,
                                          uint32_t n,
                                          std::span<const uint32_t> allowed,
                                          SteadyTime deadline,
                                          std::vector<ScoredRow>* hits) const {
  RETURN_IF_ERROR(CheckQuery(query, vectors_.dim));
  const double share = static_cast<double>(allowed.size()) /
                       static_cast<double>(coded_.places.size());
  const double by_codes =
      ExpectedNs(n) / share + kMarkNs * static_cast<double>(allowed.size());
  const double one_by_one = static_cast<double>(allowed.size()) *
                            (kVectorNs + kValueNs * vectors_.dim);
  if (!(by_codes < one_by_one)) {
    return FlatScanOf(vectors_, query, n, allowed, deadline, hits);
  }
  Scratch& scratch = Scratch::OfThread();
  MakeRoom(&scratch);
  std::fill_n(scratch.excluded.begin(), coded_.blocks.back(), ~uint64_t{0});
  Exclude(allowed, &scratch);
  const absl::Status status =
      SearchMarked(query, n, allowed.size(), deadline, &scratch, hits);
  std::fill_n(scratch.excluded.begin(), coded_.blocks.back(), 0);
  return status;
}

absl::Status CodedSearcher::SearchMarked(std::span<const float> query,
                                         uint32_t n, uint64_t allowed,
                                         SteadyTime deadline, Scratch* scratch,
                                         std::vector<ScoredRow>* hits) const {
  const uint64_t vectors = coded_.places.size();
  n = static_cast<uint32_t>(std::min<uint64_t>(n, allowed));
  hits->clear();
  scratch->work = {};
  if (n == 0) return absl::OkStatus();
  const SearchEffort effort = EffortFor(n);
  Plan plan{.rescored = effort.rescored,
            .enough = vectors,
            .any_excluded = allowed < vectors,
            .may_skip = true};
  uint64_t lists = effort.probes;
  if (plan.any_excluded) {
    const uint64_t per_list = vectors / coded_.lists() + 1;
    plan.enough = per_list * effort.probes;
    // Some more, as what is left out is not spread evenly.
    lists = std::min<uint64_t>(coded_.lists(),
                               (lists + lists / 4) * vectors / allowed +
                                   (vectors - allowed) / per_list);
  }
  scratch->query_length = Length(query);
  RankLists(query, static_cast<uint32_t>(lists), scratch);
  RETURN_IF_ERROR(Scan(query, plan, deadline, scratch));
  if (scratch->survivors.list.size() < n) {
    // The lists hold too few: all of them, then.
    plan.enough = vectors;
    plan.may_skip = false;
    RankLists(query, coded_.lists(), scratch);
    RETURN_IF_ERROR(Scan(query, plan, deadline, scratch));
  }
  Rescore(query, n, scratch, hits);
  return absl::OkStatus();
}

double CodedSearcher::ExpectedNs(uint32_t n) const {
  const SearchEffort effort = EffortFor(n);
  const double scanned = static_cast<double>(coded_.places.size()) *
                         effort.probes / coded_.lists();
  return CostNs(
      {.scanned = static_cast<uint64_t>(scanned), .rescored = effort.rescored});
}

double CodedSearcher::CostNs(const SearchWork& work) const {
  const double lists = coded_.lists() > 1 ? coded_.lists() : 0;
  return kSearchNs + lists * (kListNs + kValueNs / 2 * vectors_.dim) +
         static_cast<double>(work.scanned) * kPairNs * coded_.book.codes() / 2 +
         static_cast<double>(work.rescored) *
             (kVectorNs + kFarValueNs * vectors_.dim);
}

}  // namespace tributary
