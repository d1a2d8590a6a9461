#ifndef TRIBUTARY_INDEX_SEARCH_PACKED_CODES_H_
#define TRIBUTARY_INDEX_SEARCH_PACKED_CODES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/search/coded_vectors.h"

namespace tributary {

// The codes of the vectors that a filter allows, moved together list by list.
// A scan reads whole blocks of 64: where a tenth of a list is allowed, ten
// times as many codes as are wanted. These blocks hold nothing else. The order
// within a list stays, so that a scan of them finds the same.
struct PackedCodes {
  // REQUIRES: `barred` has a word for each block, a bit for each slot that is
  // not allowed; in_list[i] slots of list i are allowed.
  PackedCodes(const CodedVectors& coded, std::span<const uint64_t> barred,
              std::span<const uint32_t> in_list);

  uint64_t size_bytes() const;
  // How many blocks there will be.
  static uint64_t Blocks(std::span<const uint32_t> in_list);
  // Where an allowed slot went. `barred` is as above.
  uint32_t SlotOf(uint32_t slot, std::span<const uint64_t> barred) const;

  // [lists + 1]: list i has blocks [blocks[i], blocks[i + 1]), none if nothing
  // of it is allowed.
  std::vector<uint32_t> blocks;
  // [blocks][codes / 2][64], as code_scan.h lays them out.
  std::vector<uint8_t> codes;
  // [64 * blocks]: by slot here, the vector's position; 0 behind the end of a
  // list.
  std::vector<uint32_t> positions;
  // By block of all codes, the slot here of its first allowed one.
  std::vector<uint32_t> first_slots;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_PACKED_CODES_H_
