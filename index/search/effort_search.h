// Measures how much effort a coded search needs for a target recall. Part of
// choose_index.
#ifndef TRIBUTARY_INDEX_SEARCH_EFFORT_SEARCH_H_
#define TRIBUTARY_INDEX_SEARCH_EFFORT_SEARCH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/search/choose_index.h"
#include "index/search/coded_search.h"

namespace tributary {

struct IndexCandidate {
  SearchEffort effort;
  // The mean over the queries, and its standard error.
  double recall = 0;
  double standard_error = 0;
  // The mean time of a search: by the model, and measured.
  double cost_ns = 0;
  double us = 0;
};

// A kind with its arrays and the candidates that were measured.
struct MeasuredKind {
  std::string name;
  CodedArrays arrays;
  // The cheapest candidate that meets the target, if any does.
  std::optional<IndexCandidate> best;
  std::vector<IndexCandidate> candidates;
};

// The queries with their exact answers. Thread-safe.
class GroundTruth {
 public:
  // Computes the exact best n of every query. `input` must outlive the object.
  static absl::StatusOr<GroundTruth> Create(const IndexInput& input,
                                            uint32_t n);

  // Measures searches for effort.n results. Queries are shared out among
  // input.threads; recall does not depend on their number.
  absl::StatusOr<IndexCandidate> Measure(const CodedArrays& arrays,
                                         const SearchEffort& effort) const;
  // Measures searches for n results by an index with this effort. REQUIRES: n
  // is at most the n of Create.
  absl::StatusOr<IndexCandidate> MeasureFor(uint32_t n,
                                            const CodedArrays& arrays,
                                            const SearchEffort& effort) const;

  // Whether the candidate reaches the target on other queries, too, as far as
  // its standard error tells.
  bool Meets(const IndexCandidate& candidate) const;

 private:
  // One search of a query.
  struct Measured {
    absl::Status status;
    double recall = 0;
    double cost_ns = 0;
    double us = 0;
  };

  explicit GroundTruth(const IndexInput& input) : input_(input) {}

  void MeasureQueries(const CodedSearcher& searcher, uint32_t n, uint64_t begin,
                      uint64_t end, std::vector<Measured>* measured) const;
  std::span<const float> Query(size_t i) const;

  const IndexInput& input_;
  std::vector<std::vector<ScoredRow>> answers_;
};

// Looks for the least effort among candidates of one kind at `steps`, ascending
// numbers of probes or, for a scan, of reranked vectors. Recall grows with the
// step. Not thread-safe.
class StepSearch {
 public:
  using EffortAt = std::function<SearchEffort(uint32_t)>;

  // Adds every candidate that it measures to *kind, and updates kind->best.
  StepSearch(const GroundTruth& truth, std::vector<uint32_t> steps,
             MeasuredKind* kind);

  // Looks for the least step that meets the target, by binary search.
  absl::Status FindLeast(const EffortAt& effort_at);

  // The same for an effort that may miss the target at every step, and that
  // otherwise costs more at each step than that of the calls before: only steps
  // below the least one that they found are of interest. One measurement tells
  // that there is none.
  absl::Status FindLess(const EffortAt& effort_at);

 private:
  absl::StatusOr<bool> Measure(const SearchEffort& effort);
  absl::Status Bisect(const EffortAt& effort_at, size_t below, size_t met);

  const GroundTruth& truth_;
  const std::vector<uint32_t> steps_;
  MeasuredKind& kind_;
  // The position of the least step that met the target; their number when none
  // did.
  size_t least_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_EFFORT_SEARCH_H_
