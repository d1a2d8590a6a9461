#ifndef TRIBUTARY_INDEX_SEARCH_CODED_VECTORS_H_
#define TRIBUTARY_INDEX_SEARCH_CODED_VECTORS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "index/search/codebook.h"

namespace tributary {

// No vector lies at this place.
inline constexpr uint32_t kNoPosition = 0xFFFFFFFF;

// What the kinds scan and ivf store of a space, as IndexSpec describes it: its
// vectors, divided into lists, as codes of what they differ from their list's
// centroid by. A *place* is where an item is in this order, 64 times its block
// and more. A view of a mapped bundle or of CodedArrays.
struct CodedVectors {
  // [lists, dim].
  std::span<const float> centroids;
  // [lists + 1].
  std::span<const uint32_t> blocks;
  // [lists].
  std::span<const float> spreads;
  // By place, the vector's position.
  std::span<const uint32_t> positions;
  // By position, its place.
  std::span<const uint32_t> places;
  Codebook book;
  std::span<const uint8_t> codes;

  uint32_t lists() const { return static_cast<uint32_t>(spreads.size()); }
};

struct CodedArrays {
  uint32_t dim;
  uint32_t code_dims;
  std::vector<float> centroids;
  std::vector<uint32_t> blocks;
  std::vector<float> spreads;
  std::vector<uint32_t> positions;
  std::vector<uint32_t> places;
  std::vector<float> words;
  std::vector<uint8_t> codes;

  // Valid as long as this is not moved or changed.
  CodedVectors view() const {
    return {centroids, blocks, spreads,
            positions, places, {dim, code_dims, words},
            codes};
  }
};

// Divides and encodes `values`, [vectors, dim]; one list makes a scan. Empty
// lists are left out. Same input, same answer, whatever the number of threads.
// Errors: DivideIntoLists'.
absl::StatusOr<CodedArrays> EncodeVectors(std::span<const float> values,
                                          uint32_t dim, uint32_t code_dims,
                                          uint32_t lists, uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_CODED_VECTORS_H_
