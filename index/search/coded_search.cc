#include "index/search/coded_search.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <numeric>

#include "fmt/core.h"
#include "index/search/dot_kernel.h"
#include "index/search/gather_bits.h"
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

// ChooseLists: how the number of lists grows as fewer vectors pass, and by how
// much between two tries.
constexpr double kPassingExponent = 0.55;
constexpr double kMoreLists = 1.3;

// A vector that is scored without its codes having been read is in no cache.
constexpr double kDirectNs = 25;

// The best n by exact score are trusted if the worst of them is at least this
// many standard deviations of a code's error above what was not reranked.
constexpr float kTrustedGap = 1.5f;
// If they are not, the search is repeated with the effort for so many times as
// many; and then done exactly.
constexpr uint32_t kMoreEffort = 4;
// How many reranked items tell the error.
constexpr size_t kErrorSample = 64;

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
  // The same of every list, in their order. Filtered searches alone use it.
  Shortlist all_lists;
  std::vector<float> padded_query;
  QueryTables tables;
  Survivors survivors;
  // The items to ignore: for each block 64 bits, one per item. All zero between
  // searches, of this searcher or another.
  std::vector<uint64_t> marks;
  // The slots of items that are scored exactly whatever their codes say.
  std::vector<uint32_t> direct;
  // What is scored exactly, if there are direct ones.
  Shortlist joined;
  // A sample of the excluded or of the surviving items.
  Shortlist sample;
  // How the last scan's scores are read: q . x ~ score * unit + zero.
  float code_unit;
  float code_zero;
  SearchWork work;

  static Scratch& OfThread() {
    thread_local Scratch scratch;
    return scratch;
  }
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

// Filtered search. The best n that pass are among the best n / p of all
// vectors, where p is the share that passes *near the query*: a filter for the
// query's own genre passes most of what lies there, and one for another genre
// next to nothing. The lists tell: p is the share of allowed vectors in the
// lists that are scanned. Taking more lists, in order of their rank, the first
// number of lists L that suffices is the one with
//
//   L >= probes(n) p(L)^-0.55,  p(L) = allowed vectors in the first L / all in
//   them
//
// and at least n allowed vectors; the exponent was measured. As many of these
// are reranked as without a filter, because those that do not pass take no
// room.
//
// A scan reads the codes of a whole list. Where few of its vectors are allowed,
// it is cheaper to score these exactly at once, so that the work falls with the
// share that passes, and with very few allowed vectors the search is exact.
uint32_t CodedSearcher::ChooseLists(std::span<const float> query, uint32_t n,
                                    const AllowedSlots& allowed, float effort,
                                    Scratch* scratch) const {
  ScoreLists(query, scratch->query_length, &scratch->all_lists);
  const SearchEffort unfiltered = EffortFor(n);
  const auto needed = [&](uint64_t passing, uint64_t vectors) {
    return effort * unfiltered.probes *
           std::pow(static_cast<double>(passing) / static_cast<double>(vectors),
                    -kPassingExponent);
  };
  double want = needed(allowed.count, coded_.slots.size());
  for (bool grows = false;;) {
    const ListTotals totals = KeepLists(want, allowed, scratch);
    const double enough = needed(std::max<uint64_t>(1, totals.passing),
                                 std::max<uint64_t>(1, totals.vectors));
    const auto kept = static_cast<double>(scratch->lists.size());
    if (scratch->lists.size() == coded_.lists() &&
        !(enough * kMoreLists < kept)) {
      break;
    }
    if (totals.passing < n || enough > kept) {
      grows = true;
      want = kMoreLists * kept + 1;
    } else if (!grows && enough * kMoreLists < kept) {
      // More pass near the query than elsewhere.
      grows = true;
      want = enough;
    } else {
      break;
    }
  }
  Shortlist& lists = scratch->lists;
  size_t size = 0;
  for (size_t i = 0; i < lists.size(); ++i) {
    if (allowed.in_list[lists.ids()[i]] == 0) continue;
    lists.ids()[size] = lists.ids()[i];
    lists.scores()[size++] = lists.scores()[i];
  }
  lists.set_size(size);
  SortByScore(&lists);
  return std::max(n, static_cast<uint32_t>(
                         effort * static_cast<float>(unfiltered.reranked)));
}

CodedSearcher::ListTotals CodedSearcher::KeepLists(double want,
                                                   const AllowedSlots& allowed,
                                                   Scratch* scratch) const {
  Shortlist& all = scratch->all_lists;
  Shortlist& lists = scratch->lists;
  lists.Reset(all.size());
  std::copy_n(all.scores(), all.size(), lists.scores());
  std::copy_n(all.ids(), all.size(), lists.ids());
  lists.set_size(all.size());
  const auto kept =
      static_cast<uint32_t>(std::clamp<double>(want, 1, coded_.lists()));
  if (kept < all.size()) lists.KeepBest(kept, kept / 16);
  ListTotals totals;
  for (size_t i = 0; i < lists.size(); ++i) {
    totals.vectors += lists_[lists.ids()[i]].items;
    totals.passing += allowed.in_list[lists.ids()[i]];
  }
  return totals;
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
                                 const AllowedSlots* allowed, bool may_skip,
                                 const SearchTerms& terms,
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
                      any_marked ? scratch->marks.data() : nullptr,
                      allowed != nullptr ? allowed->barred.data() : nullptr};
  scratch->code_unit = 1 / tables.scale;
  scratch->code_zero = base + tables.offset - anchor * scratch->code_unit;
  Survivors& survivors = scratch->survivors;
  survivors.Reset(reranked);
  scratch->direct.clear();
  if (allowed != nullptr) scratch->direct.reserve(allowed->direct);
  for (size_t i = 0; i < lists.size(); ++i) {
    if (i % kListsPerClock == 0 && terms.Over()) {
      return absl::DeadlineExceededError(fmt::format(
          "the deadline passed after {} of {} lists", i, lists.size()));
    }
    const List& list = list_of(i);
    if (allowed != nullptr &&
        IsDirect(list, allowed->in_list[lists.ids()[i]])) {
      TakeDirect(list, any_marked, *allowed, scratch);
      continue;
    }
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

bool CodedSearcher::IsDirect(const List& list, uint32_t allowed) const {
  return allowed * (kDirectNs + kFarValueNs * vectors_.dim) <
         kRunNs + list.blocks * kPairNs * coded_.book.codes() / 2;
}

void CodedSearcher::TakeDirect(const List& list, bool any_marked,
                               const AllowedSlots& allowed,
                               Scratch* scratch) const {
  for (uint32_t block = list.first_block;
       block < list.first_block + list.blocks; ++block) {
    uint64_t taken = ~allowed.barred[block];
    if (any_marked) taken &= ~scratch->marks[block];
    for (; taken != 0; taken &= taken - 1) {
      scratch->direct.push_back(block * kBlockItems +
                                static_cast<uint32_t>(std::countr_zero(taken)));
    }
  }
}

void CodedSearcher::Rerank(std::span<const float> query, uint32_t n,
                           Scratch* scratch,
                           std::vector<ScoredRow>* hits) const {
  Shortlist* scored = &scratch->survivors.list;
  if (!scratch->direct.empty()) {
    const size_t survivors = scored->size();
    scratch->joined.Reset(scratch->survivors.limit() + kBlockItems +
                          scratch->direct.capacity());
    std::copy_n(scored->ids(), survivors, scratch->joined.ids());
    std::copy(scratch->direct.begin(), scratch->direct.end(),
              scratch->joined.ids() + survivors);
    scored = &scratch->joined;
    scored->set_size(survivors + scratch->direct.size());
  }
  Shortlist& list = *scored;
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
  Mark(excluded, &scratch);
  absl::Status status = SearchMarked(query, n, excluded, terms, &scratch, hits);
  // Undoes the marks.
  Mark(excluded, &scratch);
  if (work != nullptr) *work = scratch.work;
  return status;
}

uint64_t AllowedSlots::size_bytes() const {
  return AllowedVectors::size_bytes() + barred.size() * sizeof(uint64_t) +
         in_list.size() * sizeof(uint32_t);
}

void CodedSearcher::Allow(AllowedSlots* allowed) const {
  allowed->barred.assign(coded_.blocks.back(), ~uint64_t{0});
  allowed->in_list.assign(coded_.lists(), 0);
  if (!allowed->few.empty()) {
    for (const uint32_t position : allowed->few) {
      const uint32_t slot = coded_.slots[position];
      allowed->barred[slot / kBlockItems] &=
          ~(uint64_t{1} << (slot % kBlockItems));
    }
  } else {
    GatherBits(allowed->positions.words(), coded_.positions, allowed->barred);
    for (uint64_t& word : allowed->barred) word = ~word;
  }
  for (uint32_t list = 0; list < coded_.lists(); ++list) {
    uint32_t count = 0;
    for (uint32_t b = coded_.blocks[list]; b < coded_.blocks[list + 1]; ++b) {
      count += static_cast<uint32_t>(std::popcount(~allowed->barred[b]));
    }
    allowed->in_list[list] = count;
    if (IsDirect(lists_[list], count)) allowed->direct += count;
  }
}

absl::Status CodedSearcher::SearchAllowed(
    std::span<const float> query, uint32_t n, const AllowedSlots& allowed,
    std::span<const uint32_t> excluded, const SearchTerms& terms,
    std::vector<ScoredRow>* hits, SearchWork* work) const {
  RETURN_IF_ERROR(CheckQuery(query, vectors_.dim));
  Scratch& scratch = Scratch::OfThread();
  scratch.work = {};
  hits->clear();
  n = static_cast<uint32_t>(std::min<uint64_t>(n, allowed.count));
  if (n == 0) return absl::OkStatus();
  if (allowed.count == vectors()) {
    return Search(query, n, excluded, terms, hits, work);
  }
  // Fewer than what ranking the lists would cost: no search is cheaper.
  if (static_cast<double>(allowed.few.size()) * VectorNs() < CostNs({}) &&
      !allowed.few.empty()) {
    scratch.work.reranked = allowed.few.size();
    if (work != nullptr) *work = scratch.work;
    return FlatScanAllowed(vectors_, query, n, allowed, excluded, terms, hits);
  }
  Mark(excluded, &scratch);
  absl::Status status =
      SearchLists(query, n, allowed, excluded, terms, &scratch, hits);
  Mark(excluded, &scratch);
  if (work != nullptr) *work = scratch.work;
  return status;
}

absl::Status CodedSearcher::SearchLists(std::span<const float> query,
                                        uint32_t n, const AllowedSlots& allowed,
                                        std::span<const uint32_t> excluded,
                                        const SearchTerms& terms,
                                        Scratch* scratch,
                                        std::vector<ScoredRow>* hits) const {
  const uint64_t marked = excluded.size();
  scratch->query_length = Length(query);
  // Excluded items are mostly among the best.
  const uint64_t reach = n + std::min<uint64_t>(marked, n);
  for (const uint32_t times : {1U, kMoreEffort}) {
    const uint32_t reranked = ChooseLists(
        query, static_cast<uint32_t>(std::min(allowed.count, reach * times)),
        allowed, terms.effort, scratch);
    RETURN_IF_ERROR(
        Scan(query, reranked, marked > 0, &allowed, true, terms, scratch));
    if (scratch->survivors.list.size() + scratch->direct.size() < n) {
      // These lists hold too few items that pass: scan all of them.
      RankLists(query, coded_.lists(), scratch);
      RETURN_IF_ERROR(
          Scan(query, reranked, marked > 0, &allowed, false, terms, scratch));
    }
    const float safe = SafeScore(query, scratch);
    Rerank(query, n, scratch, hits);
    // Who asks for less effort than recall takes has no time for more.
    if (hits->size() < n || hits->back().score >= safe || terms.effort < 1) {
      return absl::OkStatus();
    }
  }
  return FlatScanAllowed(vectors_, query, n, allowed, excluded, terms, hits);
}

// What is not reranked has, by its code, at most the score of the worst
// survivor. Its exact score differs from that by the error of a code, whose
// spread a sample of the survivors tells. Usually the best n are far above.
// They are not where the filter bars the best vectors of every list, such as
// "less popular than" on vectors that know popularity: then the best that pass
// are a thin slice of a crowd, which codes cannot tell apart.
float CodedSearcher::SafeScore(std::span<const float> query,
                               Scratch* scratch) const {
  Shortlist& survivors = scratch->survivors.list;
  constexpr float kAny = -std::numeric_limits<float>::infinity();
  // Nothing was dropped.
  if (survivors.size() == 0 || scratch->survivors.threshold <= -32768) {
    return kAny;
  }
  const auto by_code = [&](size_t i) {
    return survivors.scores()[i] * scratch->code_unit + scratch->code_zero;
  };
  const size_t size = std::min(kErrorSample, survivors.size());
  const size_t step = survivors.size() / size;
  Shortlist& sample = scratch->sample;
  sample.Reset(kErrorSample);
  for (size_t i = 0; i < size; ++i) {
    sample.ids()[i] = coded_.positions[survivors.ids()[i * step]];
  }
  Score(query, {sample.ids(), size}, sample.scores());
  float square = 0;
  for (size_t i = 0; i < size; ++i) {
    const float error = sample.scores()[i] - by_code(i * step);
    square += error * error;
  }
  const float least = *std::min_element(survivors.scores(),
                                        survivors.scores() + survivors.size());
  return least * scratch->code_unit + scratch->code_zero +
         kTrustedGap * std::sqrt(square / static_cast<float>(size));
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
      Scan(query, effort.reranked, any_marked, nullptr, true, terms, scratch));
  if (scratch->survivors.list.size() < n) {
    // These lists hold too few items that pass: scan all of them.
    RankLists(query, coded_.lists(), scratch);
    RETURN_IF_ERROR(Scan(query, effort.reranked, any_marked, nullptr, false,
                         terms, scratch));
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
         static_cast<double>(work.lists) * kRunNs +
         static_cast<double>(work.blocks) * kPairNs * coded_.book.codes() / 2 +
         static_cast<double>(work.reranked) * VectorNs();
}

}  // namespace tributary
