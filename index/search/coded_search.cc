#include "index/search/coded_search.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "fmt/core.h"
#include "index/search/coded_scratch.h"
#include "index/search/dot_kernel.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Which lists to scan. The best item of a list scores more than its centroid,
// by an amount proportional to |q| and to the list's spread (the root mean
// square distance of its vectors from the centroid). Lists are ranked by
//
//   q . centroid + kRankSpread |q| spread
//
// and a list is skipped when even
//
//   q . centroid + kReachSpread |q| spread
//
// is below the worst survivor so far: hardly any item that matters lies further
// along the query than half a spread. Both factors were measured.
constexpr float kRankSpread = 0.4f;
constexpr float kReachSpread = 0.5f;
// The biases of the lists, integers in the scale of the query tables, may
// spread over this much of the 16 bits of a score; the rest is for the codes.
constexpr float kBiasRange = 16'000;
// Positions are prefetched this many survivors ahead.
constexpr size_t kFetchAhead = 32;
// Lists that are scanned between two looks at the clock.
constexpr size_t kListsPerClock = 16;
// Slots are prefetched this many excluded items ahead.
constexpr size_t kMarkAhead = 16;
// Above one item to exclude of so many slots, clearing all marks is faster than
// undoing each.
constexpr size_t kSlotsPerMark = 1024;

// The cost model, in nanoseconds on one core of a server CPU of 2024 with
// AVX-512; searches take half as long again with AVX2. Per search and per list
// ranked:
constexpr double kSearchNs = 2'000;
constexpr double kListNs = 0.5;
// Per list scanned.
constexpr double kRunNs = 30;
// Per block scanned and pair of codes.
constexpr double kPairNs = 1.9;
// Per vector at a random position, and per value of it; per value of vectors
// that are read in order.
constexpr double kVectorNs = 4;
constexpr double kFarValueNs = 0.1;
constexpr double kValueNs = 0.06;

// The exponents of EffortFor, for n above and below the n of the effort. With
// them measured recall stays about equal from 10 to 1000 results on unit
// vectors.
constexpr double kProbeLargeNExponent = 0.6;
constexpr double kRerankLargeNExponent = 1;
constexpr double kProbeSmallNExponent = 0.3;
constexpr double kRerankSmallNExponent = 0.75;

// Up to this many excluded items are scored to estimate how many of them would
// have ranked. Fewer than kMoreThanChance in the sample count as none.
constexpr uint64_t kExcludedSample = 256;
constexpr uint64_t kMoreThanChance = 4;
// To find n particular items of the best `reach` takes that many times as many
// reranked vectors: (reach / n) to this power. Measured.
constexpr double kRerankReachExponent = 0.85;
// At first it is expected that at most so many times n excluded items rank.
constexpr size_t kMostBetter = 4;
// Effort for fewer better ones than a share of n is not estimated again.
constexpr uint64_t kFewBetter = 16;

// The share of an effort, of a search for n.
SearchEffort Lowered(SearchEffort effort, float share, uint32_t n) {
  if (share >= 1) return effort;
  const auto lowered = [share](uint32_t value) {
    return static_cast<uint32_t>(share * static_cast<float>(value));
  };
  effort.probes = std::max(1U, lowered(effort.probes));
  effort.reranked = std::max(n, lowered(effort.reranked));
  return effort;
}

}  // namespace

float CodedSearcher::Length(std::span<const float> query) {
  double square = 0;
  for (const float x : query) square += double{x} * x;
  return static_cast<float>(std::min<double>(std::sqrt(square), kMaxListScore));
}

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
    most_blocks_ = std::max(most_blocks_, blocks);
  }
}

SearchEffort CodedSearcher::EffortFor(uint32_t n) const {
  const double ratio = static_cast<double>(n) / effort_.n;
  const bool more = ratio > 1;
  const double probes =
      effort_.probes *
      std::pow(ratio, more ? kProbeLargeNExponent
                           : kProbeSmallNExponent * effort_.small_n_exponent);
  const double reranked =
      effort_.reranked *
      std::pow(ratio, more ? kRerankLargeNExponent
                           : kRerankSmallNExponent * effort_.small_n_exponent);
  const double vectors = static_cast<double>(coded_.slots.size());
  return {.n = n,
          .probes = static_cast<uint32_t>(
              std::clamp<double>(probes, 1, coded_.lists())),
          .reranked = static_cast<uint32_t>(std::clamp<double>(
              reranked, std::min<double>(n, vectors), vectors))};
}

SearchEffort CodedSearcher::EffortWithin(uint32_t n, uint64_t reach) const {
  SearchEffort effort = EffortFor(n);
  const double ratio = static_cast<double>(reach) / n;
  effort.probes = static_cast<uint32_t>(
      std::min<double>(effort.probes * ratio, coded_.lists()));
  effort.reranked = static_cast<uint32_t>(
      std::min<double>(effort.reranked * std::pow(ratio, kRerankReachExponent),
                       static_cast<double>(coded_.slots.size())));
  return effort;
}

void CodedSearcher::ScoreLists(std::span<const float> query, float query_length,
                               Shortlist* lists) const {
  const uint32_t count = coded_.lists();
  lists->Reset(count);
  lists->set_size(count);
  float* const scores = lists->scores();
  DotProducts(query, coded_.centroids.data(), count, scores);
  const float spread_weight = kRankSpread * query_length;
  for (uint32_t i = 0; i < count; ++i) {
    const float score = scores[i] + spread_weight * coded_.spreads[i];
    scores[i] = score > -kMaxListScore ? std::min(score, kMaxListScore)
                                       : -kMaxListScore;
  }
  std::iota(lists->ids(), lists->ids() + count, 0);
}

void CodedSearcher::RankLists(std::span<const float> query, uint32_t want,
                              Scratch* scratch) const {
  ScoreLists(query, scratch->query_length, &scratch->lists);
  if (want < coded_.lists()) scratch->lists.KeepBest(want, want / 16);
  SortByScore(&scratch->lists);
}

void CodedSearcher::MakeRoom(Scratch* scratch) const {
  const size_t blocks = coded_.blocks.back();
  if (scratch->marks.size() < blocks) scratch->marks.resize(blocks, 0);
}

void CodedSearcher::Mark(std::span<const uint32_t> positions,
                         Scratch* scratch) const {
  if (positions.empty()) return;
  MakeRoom(scratch);
  for (size_t i = 0; i < positions.size(); ++i) {
    const size_t ahead = std::min(i + kMarkAhead, positions.size() - 1);
    __builtin_prefetch(&coded_.slots[positions[ahead]]);
    const uint32_t slot = coded_.slots[positions[i]];
    scratch->marks[slot / kBlockItems] ^= uint64_t{1} << (slot % kBlockItems);
  }
}

void CodedSearcher::Unmark(std::span<const uint32_t> positions,
                           Scratch* scratch) const {
  const size_t blocks = coded_.blocks.back();
  if (positions.size() * kSlotsPerMark < blocks * kBlockItems) {
    Mark(positions, scratch);
  } else {
    std::fill_n(scratch->marks.begin(), blocks, 0);
  }
}

// The scan adds table entries and biases as 16-bit integers, in the scale s of
// the query tables and relative to the first list's centroid c0:
//
//   score = sum of entries + (q . centroid - q . c0) s + anchor
//         ~ (q . x - q . c0 - offset) s + anchor
//
// so that items of different lists compare. Sums of entries are 0 to 127 per
// code; `anchor` shifts the middle of that range to 0, so that as much room is
// left above as below, and max_scale keeps the biases within kBiasRange.
void CodedSearcher::PrepareScan(std::span<const float> query, float base,
                                float lowest, Scratch* scratch) const {
  scratch->padded_query.assign(
      size_t{coded_.book.codes()} * coded_.book.code_dims, 0);
  std::copy(query.begin(), query.end(), scratch->padded_query.begin());
  QueryTables& tables = scratch->tables;
  MakeTables(coded_.book, scratch->padded_query.data(),
             kBiasRange / std::max(base - lowest, 1e-30f), &tables);
  const float anchor = -static_cast<float>(kMaxEntry * coded_.book.codes()) / 2;
  scratch->code_base = base;
  scratch->code_anchor = anchor;
  scratch->code_unit = 1 / tables.scale;
  scratch->code_zero = base + tables.offset - anchor * scratch->code_unit;
}

// What Scan knows of the ranked lists. The bias of a list, and how far its
// items reach, are in the scale of scores by code.
struct CodedSearcher::RankedLists {
  RankedLists(const CodedSearcher& of, Scratch* with)
      : searcher(of), scratch(*with) {}

  const List& operator[](size_t i) const {
    return searcher.lists_[scratch.lists.ids()[i]];
  }
  float Centre(size_t i) const {
    return scratch.lists.scores()[i] -
           kRankSpread * scratch.query_length * (*this)[i].spread;
  }
  float Above(size_t i) const {
    return (Centre(i) - scratch.code_base) * scratch.tables.scale +
           scratch.code_anchor;
  }
  float Reach(size_t i) const {
    return Above(i) + (kReachSpread * scratch.query_length * (*this)[i].spread -
                       scratch.tables.offset) *
                          scratch.tables.scale;
  }
  BlockRun RunOf(size_t i) const {
    const List& list = (*this)[i];
    return {list.first_block, list.blocks, list.items, BiasOfRun(Above(i))};
  }
  uint32_t NextBlock(size_t i) const {
    return (*this)[std::min(i + 1, scratch.lists.size() - 1)].first_block;
  }

  const CodedSearcher& searcher;
  Scratch& scratch;
};

void CodedSearcher::PrepareRanked(std::span<const float> query,
                                  Scratch* scratch) const {
  const RankedLists lists(*this, scratch);
  const float base = lists.Centre(0);
  float lowest = base;
  for (size_t i = 1; i < scratch->lists.size(); ++i) {
    lowest = std::min(lowest, lists.Centre(i));
  }
  PrepareScan(query, base, lowest, scratch);
}

absl::Status CodedSearcher::Scan(std::span<const float> query,
                                 uint32_t reranked, bool any_marked,
                                 bool may_skip, const SearchTerms& terms,
                                 Scratch* scratch) const {
  const RankedLists lists(*this, scratch);
  PrepareRanked(query, scratch);
  const CodeScan scan{coded_.codes.data(), scratch->tables.entries.data(),
                      coded_.book.codes() / 2,
                      any_marked ? scratch->marks.data() : nullptr};
  Survivors& survivors = scratch->survivors;
  survivors.Reset(reranked);
  for (size_t i = 0; i < scratch->lists.size(); ++i) {
    if (i % kListsPerClock == 0 && terms.Over()) {
      return absl::DeadlineExceededError(
          fmt::format("the deadline passed after {} of {} lists", i,
                      scratch->lists.size()));
    }
    if (may_skip && lists.Reach(i) < survivors.threshold) continue;
    ScanCodes(scan, lists.RunOf(i), lists.NextBlock(i), &survivors);
    ++scratch->work.lists;
    scratch->work.blocks += lists[i].blocks;
  }
  survivors.list.KeepBest(reranked, reranked / 32);
  return absl::OkStatus();
}

void CodedSearcher::FindPositions(std::span<const uint32_t> positions,
                                  std::span<uint32_t> slots) {
  for (size_t i = 0; i < slots.size(); ++i) {
    const size_t ahead = std::min(i + kFetchAhead, slots.size() - 1);
    __builtin_prefetch(&positions[slots[ahead]]);
    slots[i] = positions[slots[i]];
  }
}

void CodedSearcher::Rerank(std::span<const float> query, uint32_t n,
                           Scratch* scratch,
                           std::vector<ScoredRow>* hits) const {
  Shortlist& list = scratch->survivors.list;
  scratch->work.reranked += list.size();
  FindPositions(coded_.positions, {list.ids(), list.size()});
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
                                   const SearchTerms& terms,
                                   std::vector<ScoredRow>* hits,
                                   SearchWork* work) const {
  RETURN_IF_ERROR(CheckQuery(query, vectors_.dim));
  Scratch& scratch = Scratch::OfThread();
  Mark(excluded, &scratch);
  absl::Status status = SearchMarked(query, n, excluded, terms, &scratch, hits);
  Unmark(excluded, &scratch);
  if (work != nullptr) *work = scratch.work;
  return status;
}

// Search with exclusions. Effort that suffices for the best n of all items does
// not suffice for the best n of those that are not excluded: they are the best
// n of the best `reach` items, of which reach - n are excluded. How many these
// are is not known: none of those that have nothing to do with the query, and
// all of what a user has seen, if that is what the search would find first.
//
// The scan finds out as it goes. Its n-th best item so far tells how many of a
// sample of the excluded items, which are scored exactly, rank above, and hence
// how many items must survive. That only falls while better items are found, so
// that nothing is dropped which is wanted later.
absl::Status CodedSearcher::SearchMarked(std::span<const float> query,
                                         uint32_t n,
                                         std::span<const uint32_t> excluded,
                                         const SearchTerms& terms,
                                         Scratch* scratch,
                                         std::vector<ScoredRow>* hits) const {
  n = static_cast<uint32_t>(
      std::min<uint64_t>(n, coded_.slots.size() - excluded.size()));
  hits->clear();
  scratch->work = {};
  if (n == 0) return absl::OkStatus();
  scratch->query_length = Length(query);
  if (!excluded.empty()) {
    SampleExcluded(query, excluded, scratch);
    ASSIGN_OR_RETURN(const bool enough,
                     ScanPast(query, n, excluded, terms, scratch));
    if (!enough) return FlatScan(vectors_, query, n, excluded, terms, hits);
  } else {
    const SearchEffort effort = Lowered(EffortFor(n), terms.effort, n);
    RankLists(query, effort.probes, scratch);
    RETURN_IF_ERROR(Scan(query, effort.reranked, /*any_marked=*/false, true,
                         terms, scratch));
  }
  if (scratch->survivors.list.size() < n) {
    // These lists hold too few items that pass: scan all of them.
    RankLists(query, coded_.lists(), scratch);
    const SearchEffort effort = Lowered(EffortFor(n), terms.effort, n);
    RETURN_IF_ERROR(
        Scan(query, effort.reranked, !excluded.empty(), false, terms, scratch));
  }
  Rerank(query, n, scratch, hits);
  return absl::OkStatus();
}

void CodedSearcher::SampleExcluded(std::span<const float> query,
                                   std::span<const uint32_t> excluded,
                                   Scratch* scratch) const {
  const uint64_t step =
      (excluded.size() + kExcludedSample - 1) / kExcludedSample;
  Shortlist& sample = scratch->sample;
  sample.Reset(kExcludedSample);
  size_t size = 0;
  for (uint64_t i = 0; i < excluded.size(); i += step) {
    sample.ids()[size++] = excluded[i];
  }
  sample.set_size(size);
  Score(query, {sample.ids(), size}, sample.scores());
}

uint64_t CodedSearcher::CountBetter(uint32_t n, uint64_t excluded,
                                    Scratch* scratch) {
  const float least =
      scratch->survivors.list.Threshold(n, n / 16) * scratch->code_unit +
      scratch->code_zero;
  const Shortlist& sample = scratch->sample;
  const auto better = static_cast<uint64_t>(
      std::count_if(sample.scores(), sample.scores() + sample.size(),
                    [least](float score) { return score >= least; }));
  if (sample.size() == excluded) return better;
  return better < kMoreThanChance ? 0 : better * excluded / sample.size();
}

absl::StatusOr<bool> CodedSearcher::ScanPast(std::span<const float> query,
                                             uint32_t n,
                                             std::span<const uint32_t> excluded,
                                             const SearchTerms& terms,
                                             Scratch* scratch) const {
  Survivors& survivors = scratch->survivors;
  const RankedLists lists(*this, scratch);
  SearchEffort effort = Lowered(EffortFor(n), terms.effort, n);
  const uint32_t most_blocks = std::min(most_blocks_, kMostListBlocks);
  survivors.Reset(effort.reranked, size_t{most_blocks} * kBlockItems);
  const SearchEffort more =
      EffortWithin(n, n + std::min(excluded.size(), kMostBetter * size_t{n}));
  // So that the thread's next searches need no more memory than this one.
  survivors.Keep(more.reranked);
  survivors.Keep(effort.reranked);
  RankLists(query, more.probes, scratch);
  PrepareRanked(query, scratch);
  const CodeScan scan{coded_.codes.data(), scratch->tables.entries.data(),
                      coded_.book.codes() / 2, scratch->marks.data()};
  uint64_t better = excluded.size();
  const auto adapt = [&](bool last) {
    const auto full = [&] {
      return survivors.list.size() > survivors.limit - survivors.room;
    };
    if (!last && !full()) return;
    if (better * kFewBetter > n && survivors.list.size() > n) {
      better = std::min(better, CountBetter(n, excluded.size(), scratch));
    }
    effort = Lowered(EffortWithin(n, n + better), terms.effort, n);
    if (effort.reranked != survivors.keep) survivors.Keep(effort.reranked);
    if (full()) survivors.Sift();
  };
  size_t i = 0;
  for (bool all = false;;) {
    for (; i < std::min<size_t>(scratch->lists.size(), effort.probes); ++i) {
      if (i % kListsPerClock == 0 && terms.Over()) {
        return absl::DeadlineExceededError(
            fmt::format("the deadline passed after {} of {} lists", i,
                        scratch->lists.size()));
      }
      if (lists.Reach(i) < survivors.threshold) continue;
      BlockRun run = lists.RunOf(i);
      const uint32_t end = run.first_block + run.blocks;
      uint32_t items = run.items;
      while (run.first_block < end) {
        run.blocks = std::min(kMostListBlocks, end - run.first_block);
        run.items = std::min(items, run.blocks * kBlockItems);
        const uint32_t next = run.first_block + run.blocks;
        ScanCodes(scan, run, next < end ? next : lists.NextBlock(i),
                  &survivors);
        adapt(/*last=*/false);
        run.first_block = next;
        items -= run.items;
      }
      ++scratch->work.lists;
      scratch->work.blocks += lists[i].blocks;
    }
    adapt(/*last=*/true);
    if (CostNs(WorkOf(effort)) >= ExactNs()) return false;
    if (all || i >= effort.probes || scratch->lists.size() == coded_.lists()) {
      break;
    }
    // The best lists, which were scanned, come first again.
    i = scratch->lists.size();
    RankLists(query, coded_.lists(), scratch);
    all = true;
  }
  survivors.list.KeepBest(effort.reranked, effort.reranked / 32);
  return true;
}

double CodedSearcher::ExactNs() const {
  return static_cast<double>(coded_.slots.size()) * kValueNs * vectors_.dim;
}

double CodedSearcher::ScanNs(uint64_t lists, uint64_t blocks) const {
  return static_cast<double>(lists) * kRunNs +
         static_cast<double>(blocks) * kPairNs * coded_.book.codes() / 2;
}

double CodedSearcher::VectorNs() const {
  return kVectorNs + kFarValueNs * vectors_.dim;
}

SearchWork CodedSearcher::WorkOf(const SearchEffort& effort) const {
  const double blocks = static_cast<double>(coded_.blocks.back()) *
                        effort.probes / coded_.lists();
  return {.lists = effort.probes,
          .blocks = static_cast<uint64_t>(blocks),
          .reranked = effort.reranked};
}

double CodedSearcher::ExpectedNs(uint32_t n) const {
  return CostNs(WorkOf(EffortFor(n)));
}

double CodedSearcher::CostNs(const SearchWork& work) const {
  const double lists = coded_.lists() > 1 ? coded_.lists() : 0;
  return kSearchNs + lists * (kListNs + kValueNs / 2 * vectors_.dim) +
         ScanNs(work.lists, work.blocks) +
         static_cast<double>(work.reranked) * VectorNs();
}

}  // namespace tributary
