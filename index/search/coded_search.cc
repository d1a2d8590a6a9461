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
// The scores of lists are clamped to +-kMaxListScore, so that differences are
// finite even for products that have overflowed.
constexpr float kMaxListScore = 1e38f;
// Positions are prefetched this many survivors ahead.
constexpr size_t kFetchAhead = 32;
// Lists that are scanned between two looks at the clock.
constexpr size_t kListsPerClock = 16;

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
// Per item marked, with finding its slot.
constexpr double kMarkNs = 3;

// The exponents of EffortFor, for n above and below the n of the effort. With
// them measured recall stays about equal from 10 to 1000 results on unit
// vectors.
constexpr double kProbeLargeNExponent = 0.6;
constexpr double kRerankLargeNExponent = 1;
constexpr double kProbeSmallNExponent = 0.3;
constexpr double kRerankSmallNExponent = 0.75;

// Up to this many excluded items are scored to estimate how many of them would
// have ranked. Fewer than kMoreThanChance in the sample count as none.
constexpr uint64_t kExcludedSample = 1024;
constexpr uint64_t kMoreThanChance = 4;

float Length(std::span<const float> query) {
  double square = 0;
  for (const float x : query) square += double{x} * x;
  return static_cast<float>(std::min<double>(std::sqrt(square), kMaxListScore));
}

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

struct CodedSearcher::Scratch {
  float query_length;
  // Ids are lists, best first; scores are those of the ranking.
  Shortlist lists;
  std::vector<float> padded_query;
  QueryTables tables;
  Survivors survivors;
  // The items to ignore: for each block 64 bits, one per item. All zero between
  // searches, of this searcher or another.
  std::vector<uint64_t> marks;
  // A sample of the excluded items.
  Shortlist sample;
  SearchWork work;

  static Scratch& OfThread() {
    thread_local Scratch scratch;
    return scratch;
  }
};

// A filter by positions, and how many vectors it affects.
struct CodedSearcher::FilterView {
  // Whether `positions` are the only ones that pass, or the excluded ones.
  bool only_allowed;
  std::span<const uint32_t> positions;
  // How many vectors pass, and how many do not.
  uint64_t passing;
  uint64_t excluded;
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
    const uint32_t slot = coded_.slots[position];
    scratch->marks[slot / kBlockItems] ^= uint64_t{1} << (slot % kBlockItems);
  }
}

bool CodedSearcher::IsMarked(uint32_t position, const Scratch& scratch) const {
  const uint32_t slot = coded_.slots[position];
  return (scratch.marks[slot / kBlockItems] >> (slot % kBlockItems) & 1) != 0;
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

void CodedSearcher::Rerank(std::span<const float> query, uint32_t n,
                           Scratch* scratch,
                           std::vector<ScoredRow>* hits) const {
  Shortlist& list = scratch->survivors.list;
  scratch->work.reranked += list.size();
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
                                   const SearchTerms& terms,
                                   std::vector<ScoredRow>* hits,
                                   SearchWork* work) const {
  RETURN_IF_ERROR(CheckQuery(query, vectors_.dim));
  Scratch& scratch = Scratch::OfThread();
  const FilterView view{.only_allowed = false,
                        .positions = excluded,
                        .passing = coded_.slots.size() - excluded.size(),
                        .excluded = excluded.size()};
  Mark(excluded, &scratch);
  absl::Status status = SearchFiltered(query, n, view, terms, &scratch, hits);
  // Undoes the marks.
  Mark(excluded, &scratch);
  if (work != nullptr) *work = scratch.work;
  return status;
}

absl::Status CodedSearcher::SearchAllowed(std::span<const float> query,
                                          uint32_t n,
                                          std::span<const uint32_t> allowed,
                                          const SearchTerms& terms,
                                          std::vector<ScoredRow>* hits) const {
  RETURN_IF_ERROR(CheckQuery(query, vectors_.dim));
  const FilterView view{.only_allowed = true,
                        .positions = allowed,
                        .passing = allowed.size(),
                        .excluded = coded_.slots.size() - allowed.size()};
  if (view.excluded == 0) return Search(query, n, {}, terms, hits);
  n = static_cast<uint32_t>(std::min<uint64_t>(n, view.passing));
  hits->clear();
  if (n == 0) return absl::OkStatus();
  const double by_codes = CostNs(WorkOf(EffortWithin(n, Reach(n, view)))) +
                          kMarkNs * static_cast<double>(view.passing);
  if (by_codes >= ExactNs(view)) {
    return SearchExactly(query, n, view, terms, hits);
  }
  Scratch& scratch = Scratch::OfThread();
  MakeRoom(&scratch);
  std::fill_n(scratch.marks.begin(), coded_.blocks.back(), ~uint64_t{0});
  Mark(allowed, &scratch);
  absl::Status status = SearchFiltered(query, n, view, terms, &scratch, hits);
  std::fill_n(scratch.marks.begin(), coded_.blocks.back(), 0);
  return status;
}

// Filtered search. Effort that suffices for the best n of all items does not
// suffice for the best n of those that pass: they are the best n of the best
// `reach` items, of which reach - n are excluded. It is not known how many
// excluded items rank that high. Two cases are typical:
//
//   - the filter is unrelated to the scores: n * excluded / passing,
//   - the excluded items are the very best, such as those that the user has
//     had: all of them, and mostly no more than n.
//
// The first search assumes the larger of the two. From its worst hit follows,
// by scoring a sample of the excluded items, how many of them rank above. If
// that is more than was assumed, the search is repeated with that reach or, if
// that is cheaper, done exactly.
uint64_t CodedSearcher::Reach(uint32_t n, const FilterView& view) {
  return n + std::min(view.excluded,
                      std::max<uint64_t>(n, n * view.excluded / view.passing));
}

absl::Status CodedSearcher::SearchFiltered(std::span<const float> query,
                                           uint32_t n, const FilterView& view,
                                           const SearchTerms& terms,
                                           Scratch* scratch,
                                           std::vector<ScoredRow>* hits) const {
  n = static_cast<uint32_t>(std::min<uint64_t>(n, view.passing));
  hits->clear();
  scratch->work = {};
  if (n == 0) return absl::OkStatus();
  scratch->query_length = Length(query);
  const uint64_t reach = Reach(n, view);
  RETURN_IF_ERROR(
      SearchOnce(query, n, reach, view.excluded > 0, terms, scratch, hits));
  // There are no hits where every product is NaN.
  if (reach == n + view.excluded || hits->empty()) return absl::OkStatus();
  const uint64_t needed =
      n + CountBetterExcluded(query, view, hits->back().score, scratch);
  if (needed <= reach) return absl::OkStatus();
  if (CostNs(WorkOf(EffortWithin(n, needed))) >= ExactNs(view)) {
    return SearchExactly(query, n, view, terms, hits);
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
                                            const FilterView& view, float least,
                                            Scratch* scratch) const {
  const uint64_t from =
      view.only_allowed ? coded_.slots.size() : view.positions.size();
  const uint64_t step = (from + kExcludedSample - 1) / kExcludedSample;
  Shortlist& sample = scratch->sample;
  sample.Reset(kExcludedSample);
  size_t size = 0;
  for (uint64_t i = 0; i < from; i += step) {
    const auto position =
        view.only_allowed ? static_cast<uint32_t>(i) : view.positions[i];
    if (IsMarked(position, *scratch)) sample.ids()[size++] = position;
  }
  Score(query, {sample.ids(), size}, sample.scores());
  const auto better = static_cast<uint64_t>(
      std::count_if(sample.scores(), sample.scores() + size,
                    [least](float score) { return score >= least; }));
  return better < kMoreThanChance ? 0 : better * step;
}

absl::Status CodedSearcher::SearchExactly(std::span<const float> query,
                                          uint32_t n, const FilterView& view,
                                          const SearchTerms& terms,
                                          std::vector<ScoredRow>* hits) const {
  return view.only_allowed
             ? FlatScanOf(vectors_, query, n, view.positions, terms, hits)
             : FlatScan(vectors_, query, n, view.positions, terms, hits);
}

double CodedSearcher::ExactNs(const FilterView& view) const {
  const double value_ns = kValueNs * vectors_.dim;
  return view.only_allowed
             ? static_cast<double>(view.passing) * (kVectorNs + value_ns)
             : static_cast<double>(coded_.slots.size()) * value_ns;
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
         static_cast<double>(work.lists) * kRunNs +
         static_cast<double>(work.blocks) * kPairNs * coded_.book.codes() / 2 +
         static_cast<double>(work.reranked) *
             (kVectorNs + kFarValueNs * vectors_.dim);
}

}  // namespace tributary
