#ifndef TRIBUTARY_INDEX_SEARCH_CODED_SEARCH_H_
#define TRIBUTARY_INDEX_SEARCH_CODED_SEARCH_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "index/bundle/row.h"
#include "index/search/coded_vectors.h"
#include "index/search/flat_scan.h"

namespace tributary {

// How thoroughly is searched when `n` results are wanted; for other numbers
// both follow (see CodedSearcher::EffortFor).
struct SearchEffort {
  uint32_t n;
  // Lists looked into, at most.
  uint32_t probes;
  // Vectors scored exactly, about.
  uint32_t rescored;
  // How much of both is saved for fewer results, 0 to 1.
  double shrinkage = 1;
};

// What a search did.
struct SearchWork {
  // Lists that were not passed over, and their blocks.
  uint64_t lists = 0;
  uint64_t blocks = 0;
  uint64_t rescored = 0;
};

// The search behind the kinds scan and ivf: lists in order of promise, their
// items by code, the best of those by their vectors. What it views must outlive
// it. Thread-safe; scratch belongs to the thread and stays, so that a search
// allocates nothing after the first ones.
class CodedSearcher {
 public:
  CodedSearcher(const CodedVectors& coded, const StoredVectors& vectors,
                const SearchEffort& effort);

  // The effort for n results: more are found in more lists and among more of
  // their best, as keeps recall about equal on unit vectors of many clusters;
  // `shrinkage` is for others.
  SearchEffort EffortFor(uint32_t n) const;

  // Replaces *hits with about the n best positions (in ScoredRow::row), best
  // first, ties by position; exactly as many as there are if not excluded.
  // `excluded` positions are ascending. They cost no result, and about no
  // recall: effort is for n and as many more as were better but left out. Often
  // those are the very best, what a user has had; then the search goes deeper,
  // or scores everything. Errors: CheckQuery's; DEADLINE_EXCEEDED.
  absl::Status Search(std::span<const float> query, uint32_t n,
                      std::span<const uint32_t> excluded, SteadyTime deadline,
                      std::vector<ScoredRow>* hits,
                      SearchWork* work = nullptr) const;

  // The same, but nothing else than `allowed` positions, ascending, is found.
  // Where they are few, all of them are scored exactly, so that recall does not
  // fall with their number.
  absl::Status SearchAllowed(std::span<const float> query, uint32_t n,
                             std::span<const uint32_t> allowed,
                             SteadyTime deadline,
                             std::vector<ScoredRow>* hits) const;

  // Roughly how long a search for n takes, and one that did `work`: a model, so
  // that builders choose the same on any machine.
  double ExpectedNs(uint32_t n) const;
  double CostNs(const SearchWork& work) const;

 private:
  struct Scratch;
  struct Left;
  struct List {
    uint32_t first_block;
    uint32_t blocks;
    uint32_t items;
    float spread;
  };

  // The effort for n results that are among the best `reach`, the others being
  // left out.
  SearchEffort EffortWithin(uint32_t n, uint64_t reach) const;
  SearchWork WorkOf(const SearchEffort& effort) const;
  void RankLists(std::span<const float> query, uint32_t want,
                 Scratch* scratch) const;
  // Takes the best `rescored` by code of the lists ranked, but for the marked
  // ones; passes over lists that promise nothing, if it may.
  absl::Status Scan(std::span<const float> query, uint32_t rescored,
                    bool any_marked, bool may_skip, SteadyTime deadline,
                    Scratch* scratch) const;
  void Rescore(std::span<const float> query, uint32_t n, Scratch* scratch,
               std::vector<ScoredRow>* hits) const;
  void Score(std::span<const float> query, std::span<const uint32_t> positions,
             float* scores) const;
  void MakeRoom(Scratch* scratch) const;
  // Marks what is not marked, and unmarks what is.
  void Mark(std::span<const uint32_t> positions, Scratch* scratch) const;
  bool IsMarked(uint32_t position, const Scratch& scratch) const;
  // Searches what is not marked, once, with the effort for `reach` results.
  absl::Status SearchOnce(std::span<const float> query, uint32_t n,
                          uint64_t reach, bool any_marked, SteadyTime deadline,
                          Scratch* scratch, std::vector<ScoredRow>* hits) const;
  // For how many results to search at first: what is left out lies like the
  // rest, or is as many as the results and better than all of them.
  static uint64_t Reach(uint32_t n, const Left& left);
  absl::Status SearchLeft(std::span<const float> query, uint32_t n,
                          const Left& left, SteadyTime deadline,
                          Scratch* scratch, std::vector<ScoredRow>* hits) const;
  // About how many that are left out score `least` or more.
  uint64_t CountLeftOut(std::span<const float> query, const Left& left,
                        float least, Scratch* scratch) const;
  absl::Status SearchExactly(std::span<const float> query, uint32_t n,
                             const Left& left, SteadyTime deadline,
                             std::vector<ScoredRow>* hits) const;
  double ExactNs(const Left& left) const;

  const CodedVectors coded_;
  const StoredVectors vectors_;
  const SearchEffort effort_;
  std::vector<List> lists_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_CODED_SEARCH_H_
