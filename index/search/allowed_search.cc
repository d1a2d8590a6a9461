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
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "index/search/coded_scratch.h"
#include "index/search/coded_search.h"
#include "index/search/count_bits.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// ChooseLists: how the number of lists grows as fewer vectors pass, and by how
// much between two tries.
constexpr double kPassingExponent = 0.55;
constexpr double kMoreLists = 1.3;

// A vector that is scored without its codes having been read is in no cache: it
// takes so many nanoseconds more.
constexpr double kColdNs = 21;

// The best n by exact score are trusted if the worst of them is at least this
// many standard deviations of a code's error above what was not reranked.
constexpr float kTrustedGap = 1.5f;
// If they are not, the search is repeated with the effort for so many times as
// many; and then done exactly.
constexpr uint32_t kMoreEffort = 4;
// How many reranked items tell the error.
constexpr size_t kErrorSample = 64;

}  // namespace

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

bool CodedSearcher::IsDirect(const List& list, uint32_t allowed) const {
  return allowed * (kColdNs + VectorNs()) < ScanNs(1, list.blocks);
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

uint64_t AllowedSlots::size_bytes() const {
  return AllowedVectors::size_bytes() + barred.size() * sizeof(uint64_t) +
         in_list.size() * sizeof(uint32_t);
}

// Of the allowed vectors and the others, the fewer ones are looked up: that
// takes about a nanosecond for each.
void CodedSearcher::Allow(AllowedSlots* allowed) const {
  std::vector<uint64_t>& barred = allowed->barred;
  const bool few = 2 * allowed->count <= vectors();
  barred.assign(coded_.blocks.back(), few ? ~uint64_t{0} : 0);
  if (!few) {
    // There is nothing behind the end of a list.
    for (const List& list : lists_) {
      const uint32_t rest = list.items % kBlockItems;
      if (rest != 0) {
        barred[list.first_block + list.blocks - 1] = ~uint64_t{0} << rest;
      }
    }
  }
  const std::span<const uint64_t> words = allowed->positions.words();
  for (size_t w = 0; w < words.size(); ++w) {
    const size_t first = w * 64;
    uint64_t bits = few ? words[w] : ~words[w];
    if (vectors() - first < 64)
      bits &= (uint64_t{1} << (vectors() - first)) - 1;
    for (; bits != 0; bits &= bits - 1) {
      const uint32_t slot =
          coded_.slots[first + static_cast<size_t>(std::countr_zero(bits))];
      barred[slot / kBlockItems] ^= uint64_t{1} << (slot % kBlockItems);
    }
  }
  allowed->in_list.resize(coded_.lists());
  for (uint32_t i = 0; i < coded_.lists(); ++i) {
    const List& list = lists_[i];
    const uint64_t count =
        uint64_t{list.blocks} * kBlockItems -
        CountBits(std::span(barred).subspan(list.first_block, list.blocks));
    allowed->in_list[i] = static_cast<uint32_t>(count);
    if (IsDirect(list, allowed->in_list[i])) allowed->direct += count;
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

}  // namespace tributary
