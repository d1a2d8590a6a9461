#ifndef TRIBUTARY_INDEX_SEARCH_FLAT_SCAN_H_
#define TRIBUTARY_INDEX_SEARCH_FLAT_SCAN_H_

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "index/bundle/npy.h"
#include "index/bundle/row.h"
#include "index/search/allowed_vectors.h"
#include "index/search/search_terms.h"
#include "index/search/vector_index.h"

namespace tributary {

// A view of vectors stored end to end, [vectors, dim]. A vector's position is
// its index.
struct StoredVectors {
  std::variant<std::span<const float>, std::span<const Half>> values;
  uint32_t dim;
};

// INVALID_ARGUMENT unless `query` has `dim` values, all finite.
absl::Status CheckQuery(std::span<const float> query, uint32_t dim);

// Replaces *positions with the positions, ascending, of those of `rows` that
// have a vector. `rows` is ascending.
void FindPositions(const VectorTable& table, std::span<const Row> rows,
                   std::vector<uint32_t>* positions);

// A view of the table's values.
StoredVectors ViewOf(const VectorTable& table);

// Scores the vectors at `positions`, which are unique, and replaces *hits with
// the n best (positions in ScoredRow::row), best first, ties by position. The
// time depends on the number of positions, not on the number of vectors.
// Errors: as FlatScan.
absl::Status FlatScanOf(const StoredVectors& vectors,
                        std::span<const float> query, uint32_t n,
                        std::span<const uint32_t> positions,
                        const SearchTerms& terms, std::vector<ScoredRow>* hits);

// Scores every vector except those at `excluded` positions, which are
// ascending, and, if `allowed` is given, except those that are not in it, and
// replaces *hits with the n best (positions in ScoredRow::row),
// best first, ties by position. Checks the deadline every thousand vectors.
// Errors: CheckQuery's; DEADLINE_EXCEEDED.
absl::Status FlatScan(const StoredVectors& vectors,
                      std::span<const float> query, uint32_t n,
                      std::span<const uint32_t> excluded,
                      const SearchTerms& terms, std::vector<ScoredRow>* hits,
                      const RowSet* allowed = nullptr);

// Scores the allowed vectors less the excluded ones, in whichever of these two
// ways is faster. `excluded` positions ascend. Errors: as FlatScan.
absl::Status FlatScanAllowed(const StoredVectors& vectors,
                             std::span<const float> query, uint32_t n,
                             const AllowedVectors& allowed,
                             std::span<const uint32_t> excluded,
                             const SearchTerms& terms,
                             std::vector<ScoredRow>* hits);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_FLAT_SCAN_H_
