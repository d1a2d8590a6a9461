// Filtered search. The best n that pass are among the best n / p of all
// vectors, where p is the share that passes *near the query*: a filter for the
// query's own genre passes most of what lies there, and one for another genre
// next to nothing. Therefore nothing is assumed about p; the lists are scanned
// in the order of a bound on what may be found in each, until what was found is
// better than that.
//
// The bound. The best of m vectors of a list scores more than the centroid by
// about s sqrt(2 ln m), if their scores spread normally with s around it. An
// unfiltered search looks kReach of the list's spread beyond the centroid; if m
// of the list's N vectors are allowed, the best of them is nearer:
//
//   bound(list) = q . centroid + kReach |q| spread r
//   r = sqrt((c + ln m) / (c + ln N))
//
// c accounts for vectors beyond the most likely best one; both were measured.
// This holds for filters that have nothing to do with scores. Others show where
// the query is: if more pass near it than elsewhere, the few of a list that
// pass may be its best, and its bound is raised; if fewer do, what passes lies
// further away, and all bounds are raised.
//
// What is found. A scan reads the codes of a whole list. Where few of its
// vectors are allowed, it is cheaper to score these exactly at once, so that
// with very few allowed vectors the search is exact. Otherwise a filter that is
// used again and again gets codes of its own, with nothing between those of
// allowed vectors (packed_codes.h). What a search finds must not depend on when
// that happens: survivors are sifted between lists, of which both forms have
// the same members in the same order, and not between blocks.
//
// The check. The best R by code are reranked, as without a filter. Sometimes
// that is not enough: where the filter bars the best vectors of every list,
// such as "less popular than" on vectors that know popularity, the best that
// pass are a thin slice of a crowd, which codes cannot tell apart. The
// difference e of exact and approximate scores, whose deviation d a sample
// tells, says which share of items as good as the hits h was not reranked,
// because their code was below that of the worst survivor, c:
//
//   loss = mean over h of P(e > score(h) - c) = mean Q((score(h) - c) / d)
//
// where Q is the tail of the normal distribution. If the loss is above
// kMaxLoss, the same lists are scanned once more with a threshold from the
// start, that c for which the loss is kSmallLoss, and everything above it is
// scored. How many that will be is counted in a sample of the blocks. Where
// scoring all that pass is cheaper, that is done instead.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "fmt/core.h"
#include "index/search/coded_scratch.h"
#include "index/search/coded_search.h"
#include "index/search/count_bits.h"
#include "index/search/dot_kernel.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr double kReach = 0.5;
constexpr double kReachOffset = 8;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

// Roughly how many lists are scanned in the end: their number grows with this
// power of 1 / p. These are put in order at first.
constexpr double kPassingExponent = 0.55;
// By how much the power of reranked / n falls with each tenth of p: further
// down, scores are further apart for their rank.
constexpr double kRerankDecay = 0.04;
constexpr size_t kListsAtOnce = 16;
// Near the query are that many lists, and an eighth of those that are probed.
constexpr uint32_t kNearLists = 4;
// If that many times as many pass there as elsewhere, what passes is what is
// like the query: then the best of a list pass, however few do, and up to
// kDenser times as many as near the query.
constexpr double kMoreNear = 1.5;
constexpr double kDenser = 4;
// If so many times fewer pass, what passes is unlike the query, and the best of
// it may be so many times further away.
constexpr double kFewerNear = 3;
constexpr float kFarther = 1.3f;
// Of more than one vector of so many, vectors are read in order.
constexpr size_t kVectorsPerOrdered = 64;
// A second scan reranks so many at once, so that a thread's memory stays small,
// and the best of them raise the threshold for the others.
constexpr uint32_t kBatch = 1 << 15;
// Of so many runs of kSampledBlocks blocks, one tells how many will be
// reranked.
constexpr uint64_t kRunsPerSampled = 16;
constexpr uint32_t kSampledBlocks = 4;
// Items that were scored exactly are kept up to so many times n.
constexpr uint32_t kMostKept = 4;

// A vector that is scored without its codes having been read is in no cache: it
// takes so many nanoseconds more.
constexpr double kColdNs = 21;
// Codes are packed by the search of this number, because that takes about as
// long as so many searches save, and if packed blocks are at most this share of
// all.
constexpr uint32_t kSearchesBeforePacking = 4;
constexpr double kMostPacked = 0.4;
// Packed lists are a block or two each: they are prefetched so many ahead.
constexpr size_t kPackedAhead = 4;

constexpr double kMaxLoss = 0.012;
constexpr double kSmallLoss = 0.005;
// How many items tell the error, and how many hits the loss.
constexpr uint32_t kErrorSample = 64;
// Takes any item of a list.
constexpr uint32_t kSampleStep = 7919;

// What has been done to a list.
constexpr uint8_t kNotVisited = 0;
constexpr uint8_t kScanned = 1;
constexpr uint8_t kScored = 2;

float ListReach(double allowed, double items) {
  const auto squared = [](double count) {
    return kReachOffset + std::log(std::max(1.0, count));
  };
  return static_cast<float>(kReach *
                            std::sqrt(squared(allowed) / squared(items)));
}

// The share of items that score like the hits, but whose code is below `least`.
double CodeLoss(std::span<const ScoredRow> hits, float least, float error) {
  const size_t size = std::min<size_t>(kErrorSample, hits.size());
  double sum = 0;
  for (size_t i = 0; i < size; ++i) {
    const float score = hits[i * hits.size() / size].score;
    sum += std::erfc((score - least) / (error * std::sqrt(2.0)));
  }
  return sum / (2 * static_cast<double>(size));
}

// The highest score by code at which the loss is small.
float LeastFor(std::span<const ScoredRow> hits, float least, float error) {
  float high = least;
  float low = std::min(least, hits.back().score - 4 * error);
  for (int i = 0; i < 12; ++i) {
    const float middle = low + (high - low) / 2;
    (CodeLoss(hits, middle, error) > kSmallLoss ? high : low) = middle;
  }
  return low;
}

// Adds what is among `more` but not yet among *hits, and keeps the best n.
void AddHits(uint32_t n, std::span<const ScoredRow> more,
             std::vector<uint32_t>* positions, std::vector<ScoredRow>* hits) {
  positions->clear();
  for (const ScoredRow& hit : *hits) positions->push_back(hit.row);
  std::ranges::sort(*positions);
  for (const ScoredRow& hit : more) {
    if (!std::ranges::binary_search(*positions, hit.row)) hits->push_back(hit);
  }
  std::ranges::sort(*hits, Better);
  if (hits->size() > n) hits->resize(n);
}

}  // namespace

// What is looked for, and where.
struct CodedSearcher::AllowedQuery {
  std::span<const float> query;
  uint32_t n;
  const AllowedSlots& allowed;
  std::span<const uint32_t> excluded;
  // May be null: then all codes are scanned.
  const PackedCodes* packed;
  // The position of the vector in each code slot.
  std::span<const uint32_t> positions;
};

uint64_t AllowedSlots::size_bytes() const {
  const PackedCodes* const codes = packed.load(std::memory_order_acquire);
  return AllowedVectors::size_bytes() + barred.size() * sizeof(uint64_t) +
         in_list.size() * sizeof(uint32_t) + reaches.size() * sizeof(float) +
         (codes == nullptr ? 0 : codes->size_bytes());
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
  allowed->reaches.resize(coded_.lists());
  allowed->most_direct = 0;
  for (uint32_t i = 0; i < coded_.lists(); ++i) {
    const List& list = lists_[i];
    const uint64_t count =
        uint64_t{list.blocks} * kBlockItems -
        CountBits(std::span(barred).subspan(list.first_block, list.blocks));
    allowed->in_list[i] = static_cast<uint32_t>(count);
    allowed->reaches[i] = ListReach(static_cast<double>(count), list.items);
    if (count <= MostDirect(list.blocks, 0)) {
      allowed->most_direct =
          std::max(allowed->most_direct, allowed->in_list[i]);
    }
  }
  allowed->packs = most_blocks_ <= kMostListBlocks &&
                   static_cast<double>(PackedCodes::Blocks(allowed->in_list)) <=
                       kMostPacked * coded_.blocks.back();
}

const PackedCodes* CodedSearcher::Packed(const AllowedSlots& allowed) const {
  if (!allowed.packs) return nullptr;
  const PackedCodes* packed = allowed.packed.load(std::memory_order_acquire);
  if (packed != nullptr) return packed;
  // One thread packs; the others search meanwhile.
  if (allowed.searches.fetch_add(1, std::memory_order_relaxed) + 1 !=
      kSearchesBeforePacking) {
    return nullptr;
  }
  packed = new PackedCodes(coded_, allowed.barred, allowed.in_list);
  allowed.packed.store(packed, std::memory_order_release);
  return packed;
}

void CodedSearcher::MarkPacked(const AllowedQuery& query,
                               Scratch* scratch) const {
  if (query.excluded.empty()) return;
  MakeRoom(scratch);
  for (const uint32_t position : query.excluded) {
    const uint32_t slot = coded_.slots[position];
    if (query.allowed.barred[slot / kBlockItems] >> (slot % kBlockItems) & 1) {
      continue;
    }
    const uint32_t to = query.packed->SlotOf(slot, query.allowed.barred);
    scratch->marks[to / kBlockItems] |= uint64_t{1} << (to % kBlockItems);
  }
}

void CodedSearcher::UnmarkPacked(const AllowedQuery& query,
                                 Scratch* scratch) const {
  if (query.excluded.empty()) return;
  std::fill_n(scratch->marks.begin(), query.packed->blocks.back(), 0);
}

CodedSearcher::List CodedSearcher::ListOf(const AllowedQuery& query,
                                          uint32_t id) const {
  if (query.packed == nullptr) return lists_[id];
  const std::vector<uint32_t>& blocks = query.packed->blocks;
  return {blocks[id], blocks[id + 1] - blocks[id], query.allowed.in_list[id],
          lists_[id].spread};
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
  const PackedCodes* const packed = Packed(allowed);
  const AllowedQuery where{
      query,   n,
      allowed, excluded,
      packed,  packed == nullptr ? coded_.positions : packed->positions};
  absl::Status status;
  if (packed == nullptr) {
    Mark(excluded, &scratch);
    status = SearchLists(where, terms, &scratch, hits);
    Unmark(excluded, &scratch);
  } else {
    MarkPacked(where, &scratch);
    status = SearchLists(where, terms, &scratch, hits);
    UnmarkPacked(where, &scratch);
  }
  if (work != nullptr) *work = scratch.work;
  return status;
}

absl::Status CodedSearcher::SearchLists(const AllowedQuery& query,
                                        const SearchTerms& terms,
                                        Scratch* scratch,
                                        std::vector<ScoredRow>* hits) const {
  const AllowedSlots& allowed = query.allowed;
  scratch->query_length = Length(query.query);
  const double share =
      static_cast<double>(allowed.count) / static_cast<double>(vectors());
  const SearchEffort unfiltered = EffortFor(query.n);
  const auto want = 1 + static_cast<size_t>(terms.effort * unfiltered.probes *
                                            std::pow(share, -kPassingExponent));
  BoundLists(query, scratch);
  OrderLists(want, scratch);
  const double near_share =
      ShareIn(query, kNearLists + unfiltered.probes / 8, scratch);
  const double items = static_cast<double>(vectors()) / coded_.lists();
  if (near_share > kMoreNear * share) {
    RaiseBounds(query,
                ListReach(std::min(1.0, kDenser * near_share) * items, items),
                scratch);
    OrderLists(want, scratch);
  } else if (kFewerNear * near_share < share) {
    RaiseBounds(query, kFarther * ListReach(share * items, items), scratch);
    OrderLists(want, scratch);
  }
  Survivors& survivors = scratch->survivors;
  const double power =
      std::max(0.5, 1 + kRerankDecay * std::log10(std::max(near_share, 1e-6)));
  const double ratio = static_cast<double>(unfiltered.reranked) / query.n;
  survivors.Reset(
      std::max(query.n, static_cast<uint32_t>(terms.effort * query.n *
                                              std::pow(ratio, power))),
      Room(query.allowed));
  scratch->exact_threshold = kLowest;
  MakeRoomForScores(query, scratch);
  ASSIGN_OR_RETURN(const bool done, ScanAllowed(query, terms, scratch));
  // Who asks for less effort than recall takes has no time for more.
  if (!done && (terms.effort >= 1 ||
                survivors.list.size() + scratch->scored.size() < query.n)) {
    OrderLists(scratch->all_lists.size(), scratch);
    RETURN_IF_ERROR(ScanAllowed(query, terms, scratch).status());
  }
  const size_t size = survivors.list.size();
  survivors.list.KeepBest(survivors.keep, survivors.keep / 32);
  const bool all_scored =
      survivors.threshold <= -32768 && survivors.list.size() == size;
  if (all_scored || size == 0 || terms.effort < 1) {
    RerankAllowed(query, scratch, hits);
    return absl::OkStatus();
  }
  const float error = SurvivorsError(query, scratch);
  const float least =
      *std::min_element(survivors.list.scores(),
                        survivors.list.scores() + survivors.list.size()) *
          scratch->code_unit +
      scratch->code_zero;
  RerankAllowed(query, scratch, hits);
  // Not so where every product is NaN.
  if (hits->size() < query.n || !(CodeLoss(*hits, least, error) > kMaxLoss)) {
    return absl::OkStatus();
  }
  const float any_error = AnyError(query, scratch);
  if (!(CodeLoss(*hits, least, std::min(error, any_error)) > kMaxLoss)) {
    return absl::OkStatus();
  }
  return SearchFurther(query, terms, least, std::max(error, any_error), scratch,
                       hits);
}

absl::Status CodedSearcher::SearchFurther(const AllowedQuery& query,
                                          const SearchTerms& terms, float least,
                                          float error, Scratch* scratch,
                                          std::vector<ScoredRow>* hits) const {
  const float threshold = std::clamp(
      std::floor((LeastFor(*hits, least, error) - scratch->code_zero) /
                 scratch->code_unit),
      -32768.0f, 32767.0f);
  const double above = CountAbove(query, threshold, scratch);
  if (ScanNs(scratch->work.lists, scratch->work.blocks) +
          above * (kColdNs + VectorNs()) <
      ExactNs(query.allowed)) {
    Survivors& survivors = scratch->survivors;
    survivors.Reset(kBatch, Room(query.allowed));
    survivors.threshold = threshold;
    scratch->batch = kBatch;
    // The bound of a list is no promise: here it is beside what codes are
    // looked at, and not beside what was found.
    scratch->exact_threshold = kLowest;
    scratch->code_margin =
        hits->back().score -
        (threshold * scratch->code_unit + scratch->code_zero);
    scratch->first_hits.assign(hits->begin(), hits->end());
    // What was scored without codes is among the first hits.
    std::ranges::replace(scratch->visited, kScanned, kNotVisited);
    MakeRoomForScores(query, scratch);
    const absl::Status scanned = ScanAllowed(query, terms, scratch).status();
    scratch->batch = 0;
    RETURN_IF_ERROR(scanned);
    RerankAllowed(query, scratch, hits);
    AddHits(query.n, scratch->first_hits, &scratch->hit_positions, hits);
    const float dropped =
        survivors.threshold * scratch->code_unit + scratch->code_zero;
    if (!(CodeLoss(*hits, dropped, error) > kMaxLoss)) return absl::OkStatus();
  }
  scratch->work.reranked += query.allowed.count;
  return FlatScanAllowed(vectors_, query.query, query.n, query.allowed,
                         query.excluded, terms, hits);
}

void CodedSearcher::MakeRoomForScores(const AllowedQuery& query,
                                      Scratch* scratch) const {
  const size_t direct = kListsAtOnce * query.allowed.most_direct;
  scratch->direct.clear();
  scratch->direct.reserve(direct);
  scratch->scored.Reset(2 * size_t{query.n} * kMostKept + direct +
                        scratch->survivors.limit + kBlockItems);
}

size_t CodedSearcher::Room(const AllowedSlots& allowed) const {
  if (most_blocks_ > kMostListBlocks) return 0;
  return std::min<uint64_t>(allowed.count,
                            uint64_t{kMostListBlocks} * kBlockItems);
}

void CodedSearcher::BoundLists(const AllowedQuery& query,
                               Scratch* scratch) const {
  const uint32_t count = coded_.lists();
  Shortlist& lists = scratch->all_lists;
  scratch->least_reach = 0;
  lists.Reset(count);
  float* const scores = lists.scores();
  DotProducts(query.query, coded_.centroids.data(), count, scores);
  float highest = -kMaxListScore;
  float lowest = kMaxListScore;
  uint32_t size = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (query.allowed.in_list[i] == 0) continue;
    const float centre = scores[i] > -kMaxListScore
                             ? std::min(scores[i], kMaxListScore)
                             : -kMaxListScore;
    highest = std::max(highest, centre);
    lowest = std::min(lowest, centre);
    scores[size] = centre + ReachIn(query, i, *scratch);
    lists.ids()[size++] = i;
  }
  lists.set_size(size);
  PrepareScan(query.query, highest, lowest, scratch);
  scratch->visited.assign(count, kNotVisited);
}

void CodedSearcher::OrderLists(size_t want, Scratch* scratch) const {
  Shortlist& all = scratch->all_lists;
  Shortlist& lists = scratch->lists;
  lists.Reset(all.size());
  std::copy_n(all.scores(), all.size(), lists.scores());
  std::copy_n(all.ids(), all.size(), lists.ids());
  lists.set_size(all.size());
  if (want < all.size()) lists.KeepBest(want, want / 16);
  SortByScore(&lists);
}

double CodedSearcher::ShareIn(const AllowedQuery& query, size_t most,
                              Scratch* scratch) const {
  Shortlist& lists = scratch->lists;
  uint64_t vectors = 0;
  uint64_t passing = 0;
  for (size_t i = 0; i < std::min(most, lists.size()); ++i) {
    vectors += lists_[lists.ids()[i]].items;
    passing += query.allowed.in_list[lists.ids()[i]];
  }
  return static_cast<double>(passing) / static_cast<double>(vectors);
}

float CodedSearcher::ReachIn(const AllowedQuery& query, uint32_t list,
                             const Scratch& scratch) const {
  return scratch.query_length * lists_[list].spread *
         std::max(query.allowed.reaches[list], scratch.least_reach);
}

void CodedSearcher::RaiseBounds(const AllowedQuery& query, float reach,
                                Scratch* scratch) const {
  Shortlist& all = scratch->all_lists;
  for (size_t i = 0; i < all.size(); ++i) {
    const uint32_t id = all.ids()[i];
    all.scores()[i] += scratch->query_length * lists_[id].spread *
                       std::max(0.0f, reach - query.allowed.reaches[id]);
  }
  scratch->least_reach = reach;
}

CodeScan CodedSearcher::ScanOf(const AllowedQuery& query,
                               const Scratch& scratch) const {
  const PackedCodes* const packed = query.packed;
  return {packed == nullptr ? coded_.codes.data() : packed->codes.data(),
          scratch.tables.entries.data(), coded_.book.codes() / 2,
          query.excluded.empty() ? nullptr : scratch.marks.data(),
          packed == nullptr ? query.allowed.barred.data() : nullptr};
}

int16_t CodedSearcher::BiasOf(const AllowedQuery& query, size_t i,
                              Scratch* scratch) const {
  const float centre = scratch->lists.scores()[i] -
                       ReachIn(query, scratch->lists.ids()[i], *scratch);
  return BiasOfRun((centre - scratch->code_base) * scratch->tables.scale +
                   scratch->code_anchor);
}

absl::StatusOr<bool> CodedSearcher::ScanAllowed(const AllowedQuery& query,
                                                const SearchTerms& terms,
                                                Scratch* scratch) const {
  Shortlist& lists = scratch->lists;
  Survivors& survivors = scratch->survivors;
  const AllowedSlots& allowed = query.allowed;
  const PackedCodes* const packed = query.packed;
  const CodeScan scan = ScanOf(query, *scratch);
  // What is reranked is looked at twice.
  const double reranked_share =
      std::min(1.0, survivors.keep / static_cast<double>(allowed.count));
  const uint32_t most_direct =
      std::min(allowed.most_direct, MostDirect(1, reranked_share));
  const auto below_all = [&](float bound) {
    return bound < scratch->exact_threshold ||
           (survivors.threshold > -32768 &&
            bound <
                survivors.threshold * scratch->code_unit + scratch->code_zero);
  };
  for (size_t i = 0; i < lists.size(); ++i) {
    const uint32_t id = lists.ids()[i];
    if (i % kListsAtOnce == 0) {
      if (terms.Over()) {
        return absl::DeadlineExceededError(fmt::format(
            "the deadline passed after {} of {} lists", i, lists.size()));
      }
      ScoreDirect(query, scratch);
    }
    if (below_all(lists.scores()[i])) return true;
    if (scratch->visited[id] != kNotVisited) continue;
    scratch->visited[id] = kScanned;
    const List list = ListOf(query, id);
    if (allowed.in_list[id] <= most_direct) {
      scratch->visited[id] = kScored;
      TakeDirect(query, list, scratch);
      continue;
    }
    const size_t ahead =
        std::min(i + (packed == nullptr ? 1 : kPackedAhead), lists.size() - 1);
    uint32_t next_block = ListOf(query, lists.ids()[ahead]).first_block;
    // ScanCodes does not prefetch the run's own blocks: there are too few.
    if (packed != nullptr && list.blocks < kBlocksAhead) {
      next_block -= kBlocksAhead - list.blocks;
    }
    ScanCodes(
        scan,
        {list.first_block, list.blocks, list.items, BiasOf(query, i, scratch)},
        next_block, &survivors);
    if (scratch->batch > 0 && survivors.list.size() >= scratch->batch) {
      RerankBatch(query, scratch);
    }
    if (survivors.room > 0 &&
        survivors.list.size() > survivors.limit - survivors.room) {
      survivors.Sift();
    }
    ++scratch->work.lists;
    scratch->work.blocks += list.blocks;
  }
  ScoreDirect(query, scratch);
  return false;
}

uint32_t CodedSearcher::MostDirect(uint32_t blocks,
                                   double reranked_share) const {
  const double more_ns = (1 - reranked_share) * (kColdNs + VectorNs());
  return static_cast<uint32_t>(
      std::min<double>(kMostListBlocks * kBlockItems,
                       ScanNs(1, blocks) / std::max(more_ns, 1e-3)));
}

void CodedSearcher::TakeDirect(const AllowedQuery& query, const List& list,
                               Scratch* scratch) const {
  for (uint32_t i = 0; i < list.blocks; ++i) {
    const uint32_t block = list.first_block + i;
    uint64_t taken = ~uint64_t{0};
    if (query.packed == nullptr) {
      taken = ~query.allowed.barred[block];
    } else if (list.items - i * kBlockItems < kBlockItems) {
      taken = (uint64_t{1} << (list.items % kBlockItems)) - 1;
    }
    if (!query.excluded.empty()) taken &= ~scratch->marks[block];
    for (; taken != 0; taken &= taken - 1) {
      scratch->direct.push_back(block * kBlockItems +
                                static_cast<uint32_t>(std::countr_zero(taken)));
    }
  }
}

void CodedSearcher::ScoreDirect(const AllowedQuery& query,
                                Scratch* scratch) const {
  std::vector<uint32_t>& direct = scratch->direct;
  if (direct.empty()) return;
  Shortlist& scored = scratch->scored;
  const size_t before = scored.size();
  FindPositions(query.positions, direct);
  Score(query.query, direct, scored.scores() + before);
  std::copy(direct.begin(), direct.end(), scored.ids() + before);
  scored.set_size(before + direct.size());
  scratch->work.reranked += direct.size();
  direct.clear();
  const uint32_t keep = std::min(scratch->survivors.keep, query.n * kMostKept);
  if (scored.size() > keep + keep / 4) {
    scratch->exact_threshold =
        std::max(scratch->exact_threshold, scored.KeepBest(keep, keep / 16));
  }
}

void CodedSearcher::Ascend(std::span<uint32_t> positions,
                           Scratch* scratch) const {
  std::vector<uint64_t>& bits = scratch->positions;
  const size_t words = RowSet::Words(vectors());
  if (bits.size() < words) bits.resize(words, 0);
  for (const uint32_t position : positions) {
    bits[position / 64] |= uint64_t{1} << (position % 64);
  }
  size_t size = 0;
  for (size_t w = 0; w < words; ++w) {
    for (uint64_t rest = bits[w]; rest != 0; rest &= rest - 1) {
      positions[size++] = static_cast<uint32_t>(
          w * 64 + static_cast<size_t>(std::countr_zero(rest)));
    }
    bits[w] = 0;
  }
}

void CodedSearcher::RerankBatch(const AllowedQuery& query,
                                Scratch* scratch) const {
  Survivors& survivors = scratch->survivors;
  ScoreSurvivors(query, scratch);
  survivors.list.set_size(0);
  const float worst = scratch->scored.KeepBest(query.n, query.n / 16);
  survivors.threshold = std::clamp(
      std::floor((worst - scratch->code_margin - scratch->code_zero) /
                 scratch->code_unit),
      survivors.threshold, 32767.0f);
}

void CodedSearcher::RerankAllowed(const AllowedQuery& query, Scratch* scratch,
                                  std::vector<ScoredRow>* hits) const {
  ScoreSurvivors(query, scratch);
  TakeBest(query.n, &scratch->scored, hits);
}

void CodedSearcher::ScoreSurvivors(const AllowedQuery& query,
                                   Scratch* scratch) const {
  Shortlist& survivors = scratch->survivors.list;
  Shortlist& scored = scratch->scored;
  const size_t before = scored.size();
  const std::span<uint32_t> ids(survivors.ids(), survivors.size());
  FindPositions(query.positions, ids);
  if (ids.size() * kVectorsPerOrdered > vectors()) Ascend(ids, scratch);
  Score(query.query, ids, scored.scores() + before);
  std::copy(ids.begin(), ids.end(), scored.ids() + before);
  scored.set_size(before + ids.size());
  scratch->work.reranked += ids.size();
}

float CodedSearcher::ScoreByCode(uint32_t slot, float centre,
                                 const Scratch& scratch) const {
  const uint32_t pairs = coded_.book.codes() / 2;
  const uint8_t* table = scratch.tables.entries.data();
  const uint8_t* pair = coded_.codes.data() +
                        size_t{slot / kBlockItems} * pairs * kBlockItems +
                        CodeByte(slot % kBlockItems);
  uint32_t sum = 0;
  for (uint32_t p = 0; p < pairs; ++p) {
    sum += table[*pair & 15] + table[kCodewords + (*pair >> 4)];
    table += 2 * size_t{kCodewords};
    pair += kBlockItems;
  }
  return centre + static_cast<float>(sum) * scratch.code_unit +
         scratch.tables.offset;
}

float CodedSearcher::SurvivorsError(const AllowedQuery& query,
                                    Scratch* scratch) const {
  Shortlist& survivors = scratch->survivors.list;
  Shortlist& sample = scratch->sample;
  const size_t size = std::min<size_t>(kErrorSample, survivors.size());
  sample.Reset(kErrorSample);
  std::array<float, kErrorSample> by_code;
  for (size_t i = 0; i < size; ++i) {
    const size_t at = i * survivors.size() / size;
    sample.ids()[i] = query.positions[survivors.ids()[at]];
    by_code[i] =
        survivors.scores()[at] * scratch->code_unit + scratch->code_zero;
  }
  Score(query.query, {sample.ids(), size}, sample.scores());
  double square = 0;
  for (size_t i = 0; i < size; ++i) {
    const double error = sample.scores()[i] - by_code[i];
    square += error * error;
  }
  return static_cast<float>(std::sqrt(square / static_cast<double>(size)));
}

// The errors of survivors are not those of any item: they survived because
// codes overestimate them, and all the more, the denser the crowd.
float CodedSearcher::AnyError(const AllowedQuery& query,
                              Scratch* scratch) const {
  Shortlist& lists = scratch->lists;
  Shortlist& sample = scratch->sample;
  sample.Reset(kErrorSample);
  std::array<float, kErrorSample> by_code;
  for (uint32_t i = 0; i < kErrorSample; ++i) {
    const size_t at = i * lists.size() / kErrorSample;
    const uint32_t id = lists.ids()[at];
    const List& list = lists_[id];
    const uint32_t slot =
        list.first_block * kBlockItems + i * kSampleStep % list.items;
    sample.ids()[i] = coded_.positions[slot];
    by_code[i] = ScoreByCode(
        slot, lists.scores()[at] - ReachIn(query, id, *scratch), *scratch);
  }
  Score(query.query, {sample.ids(), kErrorSample}, sample.scores());
  double sum = 0;
  double square = 0;
  for (size_t i = 0; i < kErrorSample; ++i) {
    const double error = sample.scores()[i] - by_code[i];
    sum += error;
    square += error * error;
  }
  const double mean = sum / kErrorSample;
  return static_cast<float>(
      std::sqrt(std::max(0.0, square / kErrorSample - mean * mean)));
}

double CodedSearcher::CountAbove(const AllowedQuery& query, float threshold,
                                 Scratch* scratch) const {
  Survivors& survivors = scratch->survivors;
  const CodeScan scan = ScanOf(query, *scratch);
  Shortlist& lists = scratch->lists;
  survivors.Reset(1, size_t{kSampledBlocks} * kBlockItems);
  survivors.threshold = threshold;
  uint64_t block = 0;
  uint64_t sampled = 0;
  uint64_t above = 0;
  for (size_t i = 0; i < lists.size(); ++i) {
    const List list = ListOf(query, lists.ids()[i]);
    const int16_t bias = BiasOf(query, i, scratch);
    for (uint32_t b = 0; b < list.blocks; b += kSampledBlocks, ++block) {
      if (block % kRunsPerSampled != 0) continue;
      const uint32_t blocks = std::min(kSampledBlocks, list.blocks - b);
      survivors.list.set_size(0);
      ScanCodes(
          scan,
          {list.first_block + b, blocks,
           std::min(list.items - b * kBlockItems, blocks * kBlockItems), bias},
          list.first_block + b, &survivors);
      above += survivors.list.size();
      ++sampled;
    }
  }
  return static_cast<double>(above) * static_cast<double>(block) /
         static_cast<double>(std::max<uint64_t>(1, sampled));
}

double CodedSearcher::ExactNs(const AllowedSlots& allowed) const {
  return std::min(ExactNs(),
                  static_cast<double>(allowed.count) * (kColdNs + VectorNs()));
}

}  // namespace tributary
