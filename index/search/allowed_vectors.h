#ifndef TRIBUTARY_INDEX_SEARCH_ALLOWED_VECTORS_H_
#define TRIBUTARY_INDEX_SEARCH_ALLOWED_VECTORS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/bundle/row_set.h"
#include "index/bundle/vector_table.h"

namespace tributary {

// If at most one of this many vectors is allowed, there is also a list of those
// that are: it takes no more memory than the bitmap.
inline constexpr uint64_t kVectorsPerFew = 32;

// The vectors of a space that a filter allows. An index makes it of a set of
// rows once, so that its searches need not. Immutable and thread-safe.
struct AllowedVectors {
  // These positions.
  explicit AllowedVectors(RowSet allowed_positions);
  // Those of `table` whose rows are in `rows`.
  AllowedVectors(const VectorTable& table, const RowSet& rows);
  AllowedVectors(const AllowedVectors&) = delete;
  AllowedVectors& operator=(const AllowedVectors&) = delete;
  virtual ~AllowedVectors() = default;

  // Roughly how much memory it takes.
  virtual uint64_t size_bytes() const;

  // The positions that are allowed, and how many.
  RowSet positions;
  uint64_t count = 0;
  // The same, ascending, if there are few.
  std::vector<uint32_t> few;

 private:
  // Sets `count` and `few`.
  void CountPositions();
};

// Replaces *positions with the allowed positions, ascending, without those in
// `excluded`, which ascend.
void ListAllowed(const AllowedVectors& allowed,
                 std::span<const uint32_t> excluded,
                 std::vector<uint32_t>* positions);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_ALLOWED_VECTORS_H_
