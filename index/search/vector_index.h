// Vector search inside one embedding space. This folder may depend on
// index/bundle and index/parallel; FAISS headers are seen by its
// faiss_searcher.cc alone.
#ifndef TRIBUTARY_INDEX_SEARCH_VECTOR_INDEX_H_
#define TRIBUTARY_INDEX_SEARCH_VECTOR_INDEX_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "index/bundle/row.h"

namespace tributary {

using SteadyTime = std::chrono::steady_clock::time_point;

// Which items a search may find. Views of item rows, ascending and unique.
struct RowFilter {
  RowFilter() = default;
  // Lists of what is left out are filters.
  RowFilter(std::span<const Row> rows) : excluded(rows) {}  // NOLINT

  std::span<const Row> excluded;
  // If set, nothing else is found.
  std::optional<std::span<const Row>> allowed;
};

// The top n items of an embedding space by inner product. Immutable and
// thread-safe.
class VectorIndex {
 public:
  virtual ~VectorIndex() = default;

  // Replaces *hits with the n best rows for `query`, best first (see Better),
  // fewer when the space has fewer that pass the filter. The filter acts inside
  // the search, so that what it leaves out costs no result. Errors:
  // INVALID_ARGUMENT unless query has dim() finite values; DEADLINE_EXCEEDED,
  // where the kind can tell, with *hits unspecified; INTERNAL for what the
  // library reports.
  virtual absl::Status Search(std::span<const float> query, uint32_t n,
                              const RowFilter& filter, SteadyTime deadline,
                              std::vector<ScoredRow>* hits) const = 0;

  // Checks all that Search trusts, reading all of the index's files: DATA_LOSS,
  // naming file and place.
  virtual absl::Status CheckContents() const { return absl::OkStatus(); }

  // How long a search takes on this machine, roughly: what decides whether it
  // runs on the request's own thread.
  virtual uint32_t expected_us(uint32_t n) const = 0;
};

// Exact search of every vector: the referee for the others. Views the bundle,
// which must outlive it.
std::unique_ptr<VectorIndex> MakeFlatIndex(const VectorTable& items);

// Opens the index that the space's spec names: "flat", "scan" or "ivf" from
// <space>.ivf.*.npy, or "faiss" from <space>.index. Errors name file and field:
// UNIMPLEMENTED for another kind; DATA_LOSS when dimension, metric or count
// differ from the manifest. The bundle must outlive it.
absl::StatusOr<std::unique_ptr<VectorIndex>> OpenIndex(
    const Bundle& bundle, const EmbeddingSpace& space);

// Opens every index and runs the golden queries: DATA_LOSS, with space and
// query number, when the flat answer differs from the golden one (by more than
// rounding), or when an index finds less than the recall in its spec allows.
// `before` is told which space is next.
absl::Status TrySearches(
    const Bundle& bundle,
    const std::function<void(const EmbeddingSpace&)>& before = nullptr);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_VECTOR_INDEX_H_
