#ifndef TRIBUTARY_INDEX_SEARCH_CODED_VECTORS_H_
#define TRIBUTARY_INDEX_SEARCH_CODED_VECTORS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "index/search/codebook.h"

namespace tributary {

// In CodedVectors::positions, marks a slot that holds no vector.
inline constexpr uint32_t kNoPosition = 0xFFFFFFFF;

// The arrays of the kinds scan and ivf, which v1::IndexSpec describes as files.
// A space's vectors are divided into lists around centroids (see partition.h),
// and every vector is stored as the code of its quantised residual to its
// list's centroid (see codebook.h). A scan is an ivf of one list.
//
// Three indexes name an item: its *row* in the item table; its *position* among
// the space's vectors, which ascend with rows; and its *code slot* in the order
// of lists. Each list begins with a new block of 64 slots (see code_scan.h), so
// that a list's last slots may be empty.
//
// A view of a mapped bundle or of CodedArrays.
struct CodedVectors {
  // [lists, dim].
  std::span<const float> centroids;
  // [lists + 1], ascending from 0: list i has blocks [blocks[i], blocks[i+1]).
  std::span<const uint32_t> blocks;
  // [lists]: the root of the mean squared distance of a list's vectors from its
  // centroid.
  std::span<const float> spreads;
  // [64 * blocks]: by slot, the vector's position, or kNoPosition.
  std::span<const uint32_t> positions;
  // [vectors]: by position, the vector's slot; the inverse of `positions`.
  std::span<const uint32_t> slots;
  Codebook book;
  // [blocks][codes / 2][64], as code_scan.h lays them out.
  std::span<const uint8_t> codes;

  uint32_t lists() const { return static_cast<uint32_t>(spreads.size()); }
};

// The same arrays, owned: what a builder makes.
struct CodedArrays {
  uint32_t dim;
  uint32_t code_dims;
  std::vector<float> centroids;
  std::vector<uint32_t> blocks;
  std::vector<float> spreads;
  std::vector<uint32_t> positions;
  std::vector<uint32_t> slots;
  std::vector<float> codewords;
  std::vector<uint8_t> codes;

  // Valid until this object is moved, changed or destroyed.
  CodedVectors view() const {
    return {centroids, blocks, spreads,
            positions, slots,  {dim, code_dims, codewords},
            codes};
  }
};

// Divides `values`, [vectors, dim], into lists and encodes them; one list makes
// a scan. Empty lists are dropped, so that there may be fewer than `lists`. The
// result does not depend on the number of threads. Errors: DivideIntoLists'.
absl::StatusOr<CodedArrays> EncodeVectors(std::span<const float> values,
                                          uint32_t dim, uint32_t code_dims,
                                          uint32_t lists, uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_CODED_VECTORS_H_
