#ifndef TRIBUTARY_INDEX_SEARCH_CODED_SEARCH_H_
#define TRIBUTARY_INDEX_SEARCH_CODED_SEARCH_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/row.h"
#include "index/search/allowed_vectors.h"
#include "index/search/code_scan.h"
#include "index/search/coded_vectors.h"
#include "index/search/flat_scan.h"
#include "index/search/packed_codes.h"
#include "index/search/shortlist.h"

namespace tributary {

// How thoroughly a search for `n` results searches. CodedSearcher::EffortFor
// scales it to other numbers of results.
struct SearchEffort {
  uint32_t n;
  // The lists that are scanned, at most.
  uint32_t probes;
  // The best items by code, about this many, whose vectors are scored exactly.
  uint32_t reranked;
  // 0 to 1: how fast effort falls below n. 0 keeps it the same; 1 is right for
  // unit vectors of many clusters. It scales the exponents of EffortFor.
  double small_n_exponent = 1;
};

// What a search did.
struct SearchWork {
  // Lists that were scanned, and their blocks. Skipped lists do not count.
  uint64_t lists = 0;
  uint64_t blocks = 0;
  // Vectors that were scored exactly.
  uint64_t reranked = 0;
};

// The vectors that a filter allows, by code slot.
struct AllowedSlots : AllowedVectors {
  using AllowedVectors::AllowedVectors;
  ~AllowedSlots() override { delete packed.load(std::memory_order_acquire); }
  uint64_t size_bytes() const override;

  // For each block 64 bits, one for each slot: whether it is not allowed.
  std::vector<uint64_t> barred;
  // By list: how many of its vectors are allowed.
  std::vector<uint32_t> in_list;
  // By list: how far along the query its best allowed vector is at most, beyond
  // the centroid, as a share of the list's spread. See allowed_search.cc.
  std::vector<float> reaches;
  // The most vectors of a list that are scored without looking at codes,
  // because so few of it are allowed.
  uint32_t most_direct = 0;
  // Whether packed codes would take less time to scan than all codes.
  bool packs = false;

  // What searches add. Packing takes as long as some searches, so that the
  // first ones do without. Answers are the same with it.
  mutable std::atomic<uint32_t> searches{0};
  mutable std::atomic<const PackedCodes*> packed{nullptr};
};

// The search behind the kinds scan and ivf: an inverted file with product
// quantisation (IVFADC: Jégou, Douze, Schmid 2011) and exact reranking. For a
// query q it
//
//   1. ranks the lists by q . centroid plus a bonus for their spread and takes
//      the first `probes` of them,
//   2. scans their codes, where the approximate score of item x in list l is
//        q . x  ~  q . centroid_l + sum of table entries     (see codebook.h),
//      and keeps the best `reranked` items over all lists,
//   3. scores those by their stored vectors and returns the best n.
//
// Step 2 reads at most two bits per value of a vector. Nearly all of the best n
// are among the best `reranked` by code; step 3 restores their exact scores and
// order.
//
// Views what it is given, which must outlive it. Thread-safe. Scratch memory
// belongs to the thread and is reused, so that a search allocates nothing after
// the first ones.
class CodedSearcher {
 public:
  // `effort` meets the recall target for effort.n results; REQUIRES:
  // effort.n > 0.
  CodedSearcher(const CodedVectors& coded, const StoredVectors& vectors,
                const SearchEffort& effort);

  // How many vectors there are.
  uint64_t vectors() const { return coded_.slots.size(); }

  // The effort for n results. With n0 = effort.n and e = small_n_exponent,
  //
  //                   n > n0                     n <= n0
  //   probes(n)       probes (n / n0)^0.6        probes (n / n0)^(0.3 e)
  //   reranked(n)     reranked (n / n0)          reranked (n / n0)^(0.75 e)
  //
  // Probes are clamped to 1 to the number of lists, reranked vectors to n to
  // the number of vectors. With e = 1 recall stays about equal on unit vectors
  // of many clusters; builders measure which e other vectors need (see
  // choose_index.h).
  SearchEffort EffortFor(uint32_t n) const;

  // Replaces *hits with about the n best positions (in ScoredRow::row), best
  // first, ties by position. There are exactly n, or all that are not excluded
  // if those are fewer. `excluded` positions are ascending. Exclusions never
  // shorten the result and barely affect recall: effort grows with the number
  // of excluded items that would have ranked. Often these are the very best,
  // the items that a user has had; then the search repeats with more effort or
  // scores all vectors. Errors: CheckQuery's; DEADLINE_EXCEEDED.
  absl::Status Search(std::span<const float> query, uint32_t n,
                      std::span<const uint32_t> excluded,
                      const SearchTerms& terms, std::vector<ScoredRow>* hits,
                      SearchWork* work = nullptr) const;

  // What SearchAllowed needs of a filter. `positions`, `count` and `few` of
  // *allowed are set.
  void Allow(AllowedSlots* allowed) const;

  // As Search, but returns only vectors that are allowed. allowed_search.cc
  // describes how recall stays the same however many are allowed, wherever they
  // lie.
  absl::Status SearchAllowed(std::span<const float> query, uint32_t n,
                             const AllowedSlots& allowed,
                             std::span<const uint32_t> excluded,
                             const SearchTerms& terms,
                             std::vector<ScoredRow>* hits,
                             SearchWork* work = nullptr) const;

  // Rough times, in nanoseconds, of a search for n results and of one that did
  // `work`. They come from a model of the cost and not from a clock, so that
  // builders choose the same index on any machine.
  double ExpectedNs(uint32_t n) const;
  double CostNs(const SearchWork& work) const;

 private:
  struct Scratch;
  // One list of the inverted file, as code_scan.h scans it.
  struct List {
    uint32_t first_block;
    uint32_t blocks;
    uint32_t items;
    float spread;
  };

  // The effort for n results that lie among the best `reach` items, of which
  // reach - n are excluded.
  SearchEffort EffortWithin(uint32_t n, uint64_t reach) const;
  // What a search with this effort does on average.
  SearchWork WorkOf(const SearchEffort& effort) const;
  // The scores by which lists are ranked, of every list. Ids are lists.
  void ScoreLists(std::span<const float> query, float query_length,
                  Shortlist* lists) const;
  // Step 1: the best `want` lists, or a few more, in scratch->lists, best
  // first.
  void RankLists(std::span<const float> query, uint32_t want,
                 Scratch* scratch) const;
  // Makes scratch->tables for lists whose centroids score `lowest` to `base`.
  void PrepareScan(std::span<const float> query, float base, float lowest,
                   Scratch* scratch) const;
  struct RankedLists;
  // The same for scratch->lists.
  void PrepareRanked(std::span<const float> query, Scratch* scratch) const;
  // Step 2: the best `reranked` items by code, or a few more, of the ranked
  // lists, in scratch->survivors. Ignores marked items if `any_marked`. If
  // `may_skip`, skips lists in which hardly any item could survive.
  absl::Status Scan(std::span<const float> query, uint32_t reranked,
                    bool any_marked, bool may_skip, const SearchTerms& terms,
                    Scratch* scratch) const;
  // Step 3: the best n of scratch->survivors by their vectors.
  void Rerank(std::span<const float> query, uint32_t n, Scratch* scratch,
              std::vector<ScoredRow>* hits) const;
  // Writes the exact scores of the vectors at `positions`.
  void Score(std::span<const float> query, std::span<const uint32_t> positions,
             float* scores) const;
  // Replaces slots by the positions of vectors.
  static void FindPositions(std::span<const uint32_t> positions,
                            std::span<uint32_t> slots);
  void MakeRoom(Scratch* scratch) const;
  // Flips the marks of the items: a second call undoes the first.
  void Mark(std::span<const uint32_t> positions, Scratch* scratch) const;
  // Clears the marks of what was marked.
  void Unmark(std::span<const uint32_t> positions, Scratch* scratch) const;
  // Searches the items that are not marked, which are those of `excluded`.
  absl::Status SearchMarked(std::span<const float> query, uint32_t n,
                            std::span<const uint32_t> excluded,
                            const SearchTerms& terms, Scratch* scratch,
                            std::vector<ScoredRow>* hits) const;
  // Scores some of the excluded items, in scratch->sample.
  void SampleExcluded(std::span<const float> query,
                      std::span<const uint32_t> excluded,
                      Scratch* scratch) const;
  // Roughly how many of so many excluded items, by the sample of them, score
  // more than the n-th best by code so far.
  static uint64_t CountBetter(uint32_t n, uint64_t excluded, Scratch* scratch);
  // Steps 1 and 2 over the items that are not marked, which are those of
  // `excluded`. Returns false if scoring all items takes less time.
  absl::StatusOr<bool> ScanPast(std::span<const float> query, uint32_t n,
                                std::span<const uint32_t> excluded,
                                const SearchTerms& terms,
                                Scratch* scratch) const;
  // The parts of SearchAllowed; allowed_search.cc has them.
  struct AllowedQuery;
  // The packed codes, if there are some by now; or else null.
  const PackedCodes* Packed(const AllowedSlots& allowed) const;
  // As Mark and Unmark, of the slots that packed codes have.
  void MarkPacked(const AllowedQuery& query, Scratch* scratch) const;
  void UnmarkPacked(const AllowedQuery& query, Scratch* scratch) const;
  // A list as this search scans it.
  List ListOf(const AllowedQuery& query, uint32_t id) const;
  absl::Status SearchLists(const AllowedQuery& query, const SearchTerms& terms,
                           Scratch* scratch,
                           std::vector<ScoredRow>* hits) const;
  // Scores all vectors that may be missing from the hits, given the least score
  // by code and the error of codes.
  absl::Status SearchFurther(const AllowedQuery& query,
                             const SearchTerms& terms, float least, float error,
                             Scratch* scratch,
                             std::vector<ScoredRow>* hits) const;
  // How many a list can add to the survivors before they are sifted; 0 where
  // lists are too long for that.
  size_t Room(const AllowedSlots& allowed) const;
  // Makes room in scratch->direct and scratch->scored.
  void MakeRoomForScores(const AllowedQuery& query, Scratch* scratch) const;
  // The lists in which something is allowed, with their bounds, in
  // scratch->all_lists. Prepares the scan of any of them.
  void BoundLists(const AllowedQuery& query, Scratch* scratch) const;
  // The best lists first, in scratch->lists: `want` of them, or a few more.
  void OrderLists(size_t want, Scratch* scratch) const;
  // The share of allowed vectors in the first `most` of scratch->lists.
  double ShareIn(const AllowedQuery& query, size_t most,
                 Scratch* scratch) const;
  // How far beyond its centroid's score the bound of a list is.
  float ReachIn(const AllowedQuery& query, uint32_t list,
                const Scratch& scratch) const;
  // Makes the bounds of all lists reach at least so far.
  void RaiseBounds(const AllowedQuery& query, float reach,
                   Scratch* scratch) const;
  // How lists are scanned, and the bias of the i-th of scratch->lists.
  CodeScan ScanOf(const AllowedQuery& query, const Scratch& scratch) const;
  int16_t BiasOf(const AllowedQuery& query, size_t i, Scratch* scratch) const;
  // Scans scratch->lists, less those visited, until their bounds are below what
  // was found. Returns whether it came to that.
  absl::StatusOr<bool> ScanAllowed(const AllowedQuery& query,
                                   const SearchTerms& terms,
                                   Scratch* scratch) const;
  // The most vectors of a list of so many blocks that take less time to score
  // exactly than to scan and, a share of them, to rerank.
  uint32_t MostDirect(uint32_t blocks, double reranked_share) const;
  // Adds the list's allowed slots that are not marked to scratch->direct.
  void TakeDirect(const AllowedQuery& query, const List& list,
                  Scratch* scratch) const;
  // Moves what scratch->direct has to scratch->scored.
  void ScoreDirect(const AllowedQuery& query, Scratch* scratch) const;
  // Puts unique positions in order.
  void Ascend(std::span<uint32_t> positions, Scratch* scratch) const;
  // Moves what survived to scratch->scored.
  void ScoreSurvivors(const AllowedQuery& query, Scratch* scratch) const;
  // The same before the scan is over. The best of what was scored raise the
  // thresholds.
  void RerankBatch(const AllowedQuery& query, Scratch* scratch) const;
  // Scores the survivors, and takes the best of all that was scored.
  void RerankAllowed(const AllowedQuery& query, Scratch* scratch,
                     std::vector<ScoredRow>* hits) const;
  // How far exact scores are from those by code, by a sample of the survivors,
  // and of all items of scratch->lists.
  float SurvivorsError(const AllowedQuery& query, Scratch* scratch) const;
  float AnyError(const AllowedQuery& query, Scratch* scratch) const;
  // The score by code of an item of a list whose centroid scores `centre`.
  float ScoreByCode(uint32_t slot, float centre, const Scratch& scratch) const;
  // Roughly how many allowed vectors of scratch->lists score more by code. Uses
  // up the survivors.
  double CountAbove(const AllowedQuery& query, float threshold,
                    Scratch* scratch) const;
  // The cost of scoring all that are allowed.
  double ExactNs(const AllowedSlots& allowed) const;
  // |query|, finite.
  static float Length(std::span<const float> query);
  // The cost of scoring all vectors.
  double ExactNs() const;
  // The cost of scanning lists of so many blocks.
  double ScanNs(uint64_t lists, uint64_t blocks) const;
  // The cost of scoring a vector at a random position.
  double VectorNs() const;

  // Constant after construction.
  const CodedVectors coded_;
  const StoredVectors vectors_;
  const SearchEffort effort_;
  std::vector<List> lists_;
  // Of the longest list.
  uint32_t most_blocks_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_CODED_SEARCH_H_
