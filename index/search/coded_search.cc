#include "index/search/coded_search.h"

#include <algorithm>
#include <chrono>
#include <cmath>
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
// Beginning to scan a list.
constexpr double kRunNs = 30;
// A pair of codes of the items of a block scanned.
constexpr double kPairNs = 1.9;
// A vector from anywhere in memory, and a value of it; one of many in order.
constexpr double kVectorNs = 4;
constexpr double kFarValueNs = 0.1;
constexpr double kValueNs = 0.06;
// Finding an item's place, and marking it.
constexpr double kMarkNs = 3;

// Powers of n by which lists and rescored vectors grow above the n that the
// effort is for, and shrink below it: so measured recall stays about equal from
// 10 to 1000 results on unit vectors.
constexpr double kProbeGrowth = 0.6;
constexpr double kRescoreGrowth = 1;
constexpr double kProbeShrinkage = 0.3;
constexpr double kRescoreShrinkage = 0.75;

// Of what is left out, so many are scored to see how many are better than what
// was found, and so many are more than chance.
constexpr uint64_t kLeftOutSample = 1024;
constexpr uint64_t kMoreThanChance = 4;

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
  // What is left out, by block, a bit per item; all zero between searches.
  std::vector<uint64_t> marks;
  // Some of what is left out.
  Shortlist sample;
  SearchWork work;

  static Scratch& OfThread() {
    thread_local Scratch scratch;
    return scratch;
  }
};

// What a filter leaves of the vectors.
struct CodedSearcher::Left {
  // One of the two: nothing else than allowed, or all but excluded positions.
  bool only_allowed;
  std::span<const uint32_t> positions;
  // How many are left, and how many are not.
  uint64_t in;
  uint64_t out;
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
  const bool more = ratio > 1;
  const double probes =
      effort_.probes *
      std::pow(ratio,
               more ? kProbeGrowth : kProbeShrinkage * effort_.shrinkage);
  const double rescored =
      effort_.rescored *
      std::pow(ratio,
               more ? kRescoreGrowth : kRescoreShrinkage * effort_.shrinkage);
  const double vectors = static_cast<double>(coded_.places.size());
  return {.n = n,
          .probes = static_cast<uint32_t>(
              std::clamp<double>(probes, 1, coded_.lists())),
          .rescored = static_cast<uint32_t>(std::clamp<double>(
              rescored, std::min<double>(n, vectors), vectors))};
}

SearchEffort CodedSearcher::EffortWithin(uint32_t n, uint64_t reach) const {
  SearchEffort effort = EffortFor(n);
  const double ratio = static_cast<double>(reach) / n;
  // The last n of many are harder to find than the many: in proportion to all
  // of them, by measurement. What is left out takes no room.
  const double rescored =
      effort.rescored * ratio - static_cast<double>(reach - n);
  effort.probes = static_cast<uint32_t>(
      std::min<double>(effort.probes * ratio, coded_.lists()));
  effort.rescored = static_cast<uint32_t>(std::clamp<double>(
      rescored, effort.rescored, static_cast<double>(coded_.places.size())));
  return effort;
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
  if (scratch->marks.size() < blocks) scratch->marks.resize(blocks, 0);
}

void CodedSearcher::Mark(std::span<const uint32_t> positions,
                         Scratch* scratch) const {
  if (positions.empty()) return;
  MakeRoom(scratch);
  for (const uint32_t position : positions) {
    const uint32_t place = coded_.places[position];
    scratch->marks[place / kBlockItems] ^= uint64_t{1} << (place % kBlockItems);
  }
}

bool CodedSearcher::IsMarked(uint32_t position, const Scratch& scratch) const {
  const uint32_t place = coded_.places[position];
  return (scratch.marks[place / kBlockItems] >> (place % kBlockItems) & 1) != 0;
}

absl::Status CodedSearcher::Scan(std::span<const float> query,
                                 uint32_t rescored, bool any_marked,
                                 bool may_skip, SteadyTime deadline,
                                 Scratch* scratch) const {
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
  scratch->padded_query.assign(
      size_t{coded_.book.codes()} * coded_.book.code_dims, 0);
  std::copy(query.begin(), query.end(), scratch->padded_query.begin());
  QueryTables& tables = scratch->tables;
  MakeTables(coded_.book, scratch->padded_query.data(),
             kBiasRange / std::max(base - lowest, 1e-30f), &tables);
  const float anchor = -static_cast<float>(kMaxEntry * coded_.book.codes()) / 2;
  const CodeScan scan{coded_.codes.data(), tables.entries.data(),
                      coded_.book.codes() / 2,
                      any_marked ? scratch->marks.data() : nullptr};
  Survivors& survivors = scratch->survivors;
  survivors.Reset(rescored);
  for (size_t i = 0; i < lists.size(); ++i) {
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
    if (may_skip && reach < survivors.threshold) continue;
    const List& next = list_of(std::min(i + 1, lists.size() - 1));
    ScanCodes(scan,
              {list.first_block, list.blocks, list.items,
               static_cast<int16_t>(std::clamp(above, -32767.0f, 32767.0f))},
              next.first_block, &survivors);
    ++scratch->work.lists;
    scratch->work.blocks += list.blocks;
  }
  survivors.list.KeepBest(rescored, rescored / 32);
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
  Score(query, {list.ids(), list.size()}, list.scores());
  TakeBest(n, &list, hits);
}

void CodedSearcher::Score(std::span<const float> query,
                          std::span<const uint32_t> positions,
                          float* scores) const {
  std::visit(
      [&](const auto& values) {
        DotProductsAt(query, values.data(), positions, scores);
      },
      vectors_.values);
}

absl::Status CodedSearcher::Search(std::span<const float> query, uint32_t n,
                                   std::span<const uint32_t> excluded,
                                   SteadyTime deadline,
                                   std::vector<ScoredRow>* hits,
                                   SearchWork* work) const {
  RETURN_IF_ERROR(CheckQuery(query, vectors_.dim));
  Scratch& scratch = Scratch::OfThread();
  const Left left{.only_allowed = false,
                  .positions = excluded,
                  .in = coded_.places.size() - excluded.size(),
                  .out = excluded.size()};
  Mark(excluded, &scratch);
  absl::Status status = SearchLeft(query, n, left, deadline, &scratch, hits);
  // What was marked no longer is.
  Mark(excluded, &scratch);
  if (work != nullptr) *work = scratch.work;
  return status;
}

absl::Status CodedSearcher::SearchAllowed(std::span<const float> query,
                                          uint32_t n,
                                          std::span<const uint32_t> allowed,
                                          SteadyTime deadline,
                                          std::vector<ScoredRow>* hits) const {
  RETURN_IF_ERROR(CheckQuery(query, vectors_.dim));
  const Left left{.only_allowed = true,
                  .positions = allowed,
                  .in = allowed.size(),
                  .out = coded_.places.size() - allowed.size()};
  if (left.out == 0) return Search(query, n, {}, deadline, hits);
  n = static_cast<uint32_t>(std::min<uint64_t>(n, left.in));
  hits->clear();
  if (n == 0) return absl::OkStatus();
  const double by_codes = CostNs(WorkOf(EffortWithin(n, Reach(n, left)))) +
                          kMarkNs * static_cast<double>(left.in);
  if (by_codes >= ExactNs(left)) {
    return SearchExactly(query, n, left, deadline, hits);
  }
  Scratch& scratch = Scratch::OfThread();
  MakeRoom(&scratch);
  std::fill_n(scratch.marks.begin(), coded_.blocks.back(), ~uint64_t{0});
  Mark(allowed, &scratch);
  absl::Status status = SearchLeft(query, n, left, deadline, &scratch, hits);
  std::fill_n(scratch.marks.begin(), coded_.blocks.back(), 0);
  return status;
}

uint64_t CodedSearcher::Reach(uint32_t n, const Left& left) {
  return n + std::min(left.out, std::max<uint64_t>(n, n * left.out / left.in));
}

absl::Status CodedSearcher::SearchLeft(std::span<const float> query, uint32_t n,
                                       const Left& left, SteadyTime deadline,
                                       Scratch* scratch,
                                       std::vector<ScoredRow>* hits) const {
  n = static_cast<uint32_t>(std::min<uint64_t>(n, left.in));
  hits->clear();
  scratch->work = {};
  if (n == 0) return absl::OkStatus();
  scratch->query_length = Length(query);
  const uint64_t reach = Reach(n, left);
  RETURN_IF_ERROR(
      SearchOnce(query, n, reach, left.out > 0, deadline, scratch, hits));
  // None where no product is a number.
  if (reach == n + left.out || hits->empty()) return absl::OkStatus();
  const uint64_t needed =
      n + CountLeftOut(query, left, hits->back().score, scratch);
  if (needed <= reach) return absl::OkStatus();
  if (CostNs(WorkOf(EffortWithin(n, needed))) >= ExactNs(left)) {
    return SearchExactly(query, n, left, deadline, hits);
  }
  return SearchOnce(query, n, needed, true, deadline, scratch, hits);
}

absl::Status CodedSearcher::SearchOnce(std::span<const float> query, uint32_t n,
                                       uint64_t reach, bool any_marked,
                                       SteadyTime deadline, Scratch* scratch,
                                       std::vector<ScoredRow>* hits) const {
  const SearchEffort effort = EffortWithin(n, reach);
  RankLists(query, effort.probes, scratch);
  RETURN_IF_ERROR(
      Scan(query, effort.rescored, any_marked, true, deadline, scratch));
  if (scratch->survivors.list.size() < n) {
    // The lists hold too few: all of them, then.
    RankLists(query, coded_.lists(), scratch);
    RETURN_IF_ERROR(
        Scan(query, effort.rescored, any_marked, false, deadline, scratch));
  }
  Rescore(query, n, scratch, hits);
  return absl::OkStatus();
}

uint64_t CodedSearcher::CountLeftOut(std::span<const float> query,
                                     const Left& left, float least,
                                     Scratch* scratch) const {
  const uint64_t from =
      left.only_allowed ? coded_.places.size() : left.positions.size();
  const uint64_t step = (from + kLeftOutSample - 1) / kLeftOutSample;
  Shortlist& sample = scratch->sample;
  sample.Reset(kLeftOutSample);
  size_t size = 0;
  for (uint64_t i = 0; i < from; i += step) {
    const auto position =
        left.only_allowed ? static_cast<uint32_t>(i) : left.positions[i];
    if (IsMarked(position, *scratch)) sample.ids()[size++] = position;
  }
  Score(query, {sample.ids(), size}, sample.scores());
  const auto better = static_cast<uint64_t>(
      std::count_if(sample.scores(), sample.scores() + size,
                    [least](float score) { return score >= least; }));
  return better < kMoreThanChance ? 0 : better * step;
}

absl::Status CodedSearcher::SearchExactly(std::span<const float> query,
                                          uint32_t n, const Left& left,
                                          SteadyTime deadline,
                                          std::vector<ScoredRow>* hits) const {
  return left.only_allowed
             ? FlatScanOf(vectors_, query, n, left.positions, deadline, hits)
             : FlatScan(vectors_, query, n, left.positions, deadline, hits);
}

double CodedSearcher::ExactNs(const Left& left) const {
  const double value_ns = kValueNs * vectors_.dim;
  return left.only_allowed
             ? static_cast<double>(left.in) * (kVectorNs + value_ns)
             : static_cast<double>(coded_.places.size()) * value_ns;
}

SearchWork CodedSearcher::WorkOf(const SearchEffort& effort) const {
  const double blocks = static_cast<double>(coded_.blocks.back()) *
                        effort.probes / coded_.lists();
  return {.lists = effort.probes,
          .blocks = static_cast<uint64_t>(blocks),
          .rescored = effort.rescored};
}

double CodedSearcher::ExpectedNs(uint32_t n) const {
  return CostNs(WorkOf(EffortFor(n)));
}

double CodedSearcher::CostNs(const SearchWork& work) const {
  const double lists = coded_.lists() > 1 ? coded_.lists() : 0;
  return kSearchNs + lists * (kListNs + kValueNs / 2 * vectors_.dim) +
         static_cast<double>(work.lists) * kRunNs +
         static_cast<double>(work.blocks) * kPairNs * coded_.book.codes() / 2 +
         static_cast<double>(work.rescored) *
             (kVectorNs + kFarValueNs * vectors_.dim);
}

}  // namespace tributary
