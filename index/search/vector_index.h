// Maximum inner product search inside one embedding space. VectorIndex is the
// interface that retrievers use; OpenIndex picks the implementation that the
// bundle names:
//
//   flat  flat_index.cc   exact scan of all vectors
//   scan  coded_index.cc  scan of four-bit codes, best ones reranked exactly
//   ivf   coded_index.cc  the same in the most promising lists only
//   faiss faiss_index.cc  any FAISS index
//
// Only faiss_searcher.cc includes FAISS headers.
#ifndef TRIBUTARY_INDEX_SEARCH_VECTOR_INDEX_H_
#define TRIBUTARY_INDEX_SEARCH_VECTOR_INDEX_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "index/bundle/row.h"
#include "index/bundle/row_set.h"
#include "index/search/allowed_vectors.h"
#include "index/search/search_terms.h"

namespace tributary {

// Which items a search may return. Views, which must outlive the search.
struct RowFilter {
  RowFilter() = default;
  // Implicit: a list of excluded rows is a filter.
  RowFilter(std::span<const Row> rows) : excluded(rows) {}  // NOLINT

  // Item rows, ascending and unique.
  std::span<const Row> excluded;
  // If set, only these vectors, less those of excluded rows, are returned. Made
  // by Allow of the index that is searched.
  const AllowedVectors* allowed = nullptr;
};

// The top n items of an embedding space by inner product. Immutable and
// thread-safe.
class VectorIndex {
 public:
  virtual ~VectorIndex() = default;

  // Replaces *hits with the n best rows for `query`, best first (see Better).
  // There are fewer than n only when fewer rows of the space pass the filter:
  // the filter acts inside the search, so excluded rows never shorten the
  // result. Errors: INVALID_ARGUMENT unless `query` has as many values as the
  // space has dimensions, all finite; DEADLINE_EXCEEDED, where the kind checks
  // the terms, when they are over, with *hits unspecified; INTERNAL for errors
  // of FAISS.
  virtual absl::Status Search(std::span<const float> query, uint32_t n,
                              const RowFilter& filter, const SearchTerms& terms,
                              std::vector<ScoredRow>* hits) const = 0;

  // What Search needs to return these rows only. rows.size() is the number of
  // the catalogue's items. Takes about a nanosecond an item, which is why
  // callers keep it.
  virtual std::unique_ptr<const AllowedVectors> Allow(
      const RowSet& rows) const = 0;

  // Reads all of the index's files and checks every value that Search trusts.
  // DATA_LOSS, naming the file and the entry.
  virtual absl::Status CheckContents() const { return absl::OkStatus(); }

  // A rough estimate of a search's time in microseconds, at least 1. It decides
  // whether a search runs on the request's own thread.
  virtual uint32_t expected_us(uint32_t n) const = 0;
};

// Exact search that scores every vector: the ground truth for the other kinds.
// Views `items`, which must outlive the index.
std::unique_ptr<VectorIndex> MakeFlatIndex(const VectorTable& items);

// Opens the index that the space's spec names: "flat" scans the space's
// vectors, "scan" and "ivf" map <space>.ivf.*.npy, "faiss" reads <space>.index.
// Errors name file and field: UNIMPLEMENTED for another kind; DATA_LOSS when
// dimension, metric or count differ from the manifest. The bundle must outlive
// the index.
absl::StatusOr<std::unique_ptr<VectorIndex>> OpenIndex(
    const Bundle& bundle, const EmbeddingSpace& space);

// Opens every index of the bundle, checks its contents and runs the golden
// queries on it. DATA_LOSS, with space and query number, when the exact answer
// differs from the golden one by more than rounding, or when the mean recall of
// the space's golden queries is more than 0.1 below the spec's measured_recall.
// `before`, if given, is called with each space before its index is opened, so
// that a caller can report which one a crash is about.
absl::Status CheckIndexes(
    const Bundle& bundle,
    const std::function<void(const EmbeddingSpace&)>& before = nullptr);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_VECTOR_INDEX_H_
