// Checks of the parts that indexes of FAISS consist of, in the format of
// FAISS 1.7.3 (faiss/impl/index_write.cpp). Each takes its part from the bytes,
// and demands what the searches of FAISS trust without looking.
#ifndef TRIBUTARY_INDEX_SEARCH_FAISS_PARTS_H_
#define TRIBUTARY_INDEX_SEARCH_FAISS_PARTS_H_

#include <cstdint>
#include <string_view>

#include "index/search/faiss_bytes.h"

namespace tributary {

// What every index states of itself.
struct FaissHeader {
  // Dimensions; at least 1 unless there is an error.
  uint32_t dim = 0;
  uint64_t size = 0;
  bool inner_product = false;
};

// Checks that the index is trained and its metric inner product or L2.
FaissHeader TakeFaissHeader(FaissBytes* bytes);

// Expects finite values of at most kMaxMagnitude.
void ExpectFloats(FileVector<float> values, std::string_view what,
                  FaissBytes* bytes);

// Takes a product quantiser of `dim` dimensions with codes of 1 to `max_bits`
// bits. Returns the bytes of a vector's code.
struct FaissProductQuantizer {
  uint64_t parts = 0;
  uint64_t code_bits = 0;
  uint64_t code_size = 0;
};
FaissProductQuantizer TakeProductQuantizer(uint32_t dim, uint32_t max_bits,
                                           FaissBytes* bytes);

// Takes a scalar quantiser of `dim` dimensions.
struct FaissScalarQuantizer {
  uint64_t code_size = 0;
  // Codes are float16, which may be infinite.
  bool halves = false;
};
FaissScalarQuantizer TakeScalarQuantizer(uint32_t dim, FaissBytes* bytes);
void ExpectScalarCodes(const FaissScalarQuantizer& quantizer,
                       FileVector<uint8_t> codes, FaissBytes* bytes);

// Takes the graph of `size` nodes: levels and offsets that fit each other,
// links to nodes that exist on the link's level, an entry point that has the
// highest level.
void TakeGraph(uint64_t size, FaissBytes* bytes);

// The lists of an IVF, which together must hold each id below `size` once.
struct FaissLists {
  uint64_t size = 0;
  uint64_t lists = 0;
  uint64_t code_size = 0;
  // Of IndexIVFFlat: codes are float32.
  bool floats = false;
  // Of IndexIVFScalarQuantizer with float16.
  FaissScalarQuantizer scalar = {};
};
void TakeLists(const FaissLists& lists, FaissBytes* bytes);
// The lists of a fast-scan IVF, in blocks of `block_items` items and
// `block_bytes` bytes.
void TakeBlockLists(const FaissLists& lists, uint64_t block_items,
                    uint64_t block_bytes, FaissBytes* bytes);

// Expects each of 0 to size - 1 once.
void ExpectAllIds(FileVector<int64_t> ids, uint64_t size, std::string_view what,
                  FaissBytes* bytes);

// Takes a transform from `dim` dimensions. Returns how many it makes.
uint32_t TakeTransform(uint32_t dim, FaissBytes* bytes);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_FAISS_PARTS_H_
