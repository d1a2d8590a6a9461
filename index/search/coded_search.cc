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
constexpr uint64_t kExcludedSample = 512;
constexpr uint64_t kMoreThanChance = 4;

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
    if (blocks > kMostListBlocks) sifts_between_lists_ = false;
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
  // By measurement, finding n particular items of the best `reach` takes effort
  // in proportion to reach / n. Excluded items take no room among the reranked
  // ones, hence the difference.
  const double reranked =
      effort.reranked * ratio - static_cast<double>(reach - n);
  effort.probes = static_cast<uint32_t>(
      std::min<double>(effort.probes * ratio, coded_.lists()));
  effort.reranked = static_cast<uint32_t>(std::clamp<double>(
      reranked, effort.reranked, static_cast<double>(coded_.slots.size())));
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
  for (const uint32_t position : positions) {
    const uint32_t slot = coded_.slots[position];
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

absl::Status CodedSearcher::Scan(std::span<const float> query,
                                 uint32_t reranked, bool any_marked,
                                 bool may_skip, const SearchTerms& terms,
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
  PrepareScan(query, base, lowest, scratch);
  const QueryTables& tables = scratch->tables;
  const float anchor = scratch->code_anchor;
  const CodeScan scan{coded_.codes.data(), tables.entries.data(),
                      coded_.book.codes() / 2,
                      any_marked ? scratch->marks.data() : nullptr};
  Survivors& survivors = scratch->survivors;
  survivors.Reset(reranked);
  for (size_t i = 0; i < lists.size(); ++i) {
    if (i % kListsPerClock == 0 && terms.Over()) {
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
// n of the best `reach` items, of which reach - n are excluded. It is not known
// how many excluded items rank that high. Two cases are typical:
//
//   - they are no more than n, and the very best, such as those that the user
//     has had: all of them rank that high,
//   - they are more, and unrelated to the scores: n * excluded / others do.
//
// The first search assumes this. From its worst hit follows, by scoring a
// sample of the excluded items, how many of them rank above. If that is more
// than was assumed, the search is repeated with that reach or, if that is
// cheaper, done exactly.
uint64_t CodedSearcher::Reach(uint32_t n, uint64_t excluded) const {
  if (excluded <= n) return n + excluded;
  const uint64_t others = coded_.slots.size() - excluded;
  return n + std::min(excluded, n * excluded / others);
}

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
  const uint64_t reach = Reach(n, excluded.size());
  RETURN_IF_ERROR(
      SearchOnce(query, n, reach, !excluded.empty(), terms, scratch, hits));
  // There are no hits where every product is NaN.
  if (reach == n + excluded.size() || hits->empty()) return absl::OkStatus();
  const uint64_t needed =
      n + CountBetterExcluded(query, excluded, hits->back().score, scratch);
  if (needed <= reach) return absl::OkStatus();
  if (CostNs(WorkOf(EffortWithin(n, needed))) >= ExactNs()) {
    return FlatScan(vectors_, query, n, excluded, terms, hits);
  }
  return SearchOnce(query, n, needed, true, terms, scratch, hits);
}

absl::Status CodedSearcher::SearchOnce(std::span<const float> query, uint32_t n,
                                       uint64_t reach, bool any_marked,
                                       const SearchTerms& terms,
                                       Scratch* scratch,
                                       std::vector<ScoredRow>* hits) const {
  const SearchEffort effort = Lowered(EffortWithin(n, reach), terms.effort, n);
  RankLists(query, effort.probes, scratch);
  RETURN_IF_ERROR(
      Scan(query, effort.reranked, any_marked, true, terms, scratch));
  if (scratch->survivors.list.size() < n) {
    // These lists hold too few items that pass: scan all of them.
    RankLists(query, coded_.lists(), scratch);
    RETURN_IF_ERROR(
        Scan(query, effort.reranked, any_marked, false, terms, scratch));
  }
  Rerank(query, n, scratch, hits);
  return absl::OkStatus();
}

uint64_t CodedSearcher::CountBetterExcluded(std::span<const float> query,
                                            std::span<const uint32_t> excluded,
                                            float least,
                                            Scratch* scratch) const {
  const uint64_t step =
      (excluded.size() + kExcludedSample - 1) / kExcludedSample;
  Shortlist& sample = scratch->sample;
  sample.Reset(kExcludedSample);
  size_t size = 0;
  for (uint64_t i = 0; i < excluded.size(); i += step) {
    sample.ids()[size++] = excluded[i];
  }
  Score(query, {sample.ids(), size}, sample.scores());
  const auto better = static_cast<uint64_t>(
      std::count_if(sample.scores(), sample.scores() + size,
                    [least](float score) { return score >= least; }));
  return better < kMoreThanChance ? 0 : better * step;
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
