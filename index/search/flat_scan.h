#ifndef TRIBUTARY_INDEX_SEARCH_FLAT_SCAN_H_
#define TRIBUTARY_INDEX_SEARCH_FLAT_SCAN_H_

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "index/bundle/npy.h"
#include "index/bundle/row.h"
#include "index/search/vector_index.h"

namespace tributary {

// Vectors end to end; a vector's position is its place among them. A view.
struct StoredVectors {
  std::variant<std::span<const float>, std::span<const Half>> values;
  uint32_t dim;
};

// INVALID_ARGUMENT unless `query` has `dim` finite values.
absl::Status CheckQuery(std::span<const float> query, uint32_t dim);

// Replaces *positions with those of the rows that have a vector, ascending.
// `rows` is ascending.
void FindPositions(const VectorTable& table, std::span<const Row> rows,
                   std::vector<uint32_t>* positions);

// The same, of the rows that the filter allows and does not exclude.
// REQUIRES: filter.allowed is set.
void FindAllowed(const VectorTable& table, const RowFilter& filter,
                 std::vector<uint32_t>* positions);

// The table's values.
StoredVectors ViewOf(const VectorTable& table);

// Replaces *hits with the n best of `positions`, which are unique, exactly.
// Cost: their number, whatever the vectors'. Errors: as FlatScan.
absl::Status FlatScanOf(const StoredVectors& vectors,
                        std::span<const float> query, uint32_t n,
                        std::span<const uint32_t> positions,
                        SteadyTime deadline, std::vector<ScoredRow>* hits);

// Replaces *hits with the n best positions (in ScoredRow::row) for `query`,
// exactly, leaving out `excluded` ones, which are ascending. The deadline is
// looked at every thousand vectors. Errors: CheckQuery's; DEADLINE_EXCEEDED.
absl::Status FlatScan(const StoredVectors& vectors,
                      std::span<const float> query, uint32_t n,
                      std::span<const uint32_t> excluded, SteadyTime deadline,
                      std::vector<ScoredRow>* hits);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_FLAT_SCAN_H_
