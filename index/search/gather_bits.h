#ifndef TRIBUTARY_INDEX_SEARCH_GATHER_BITS_H_
#define TRIBUTARY_INDEX_SEARCH_GATHER_BITS_H_

#include <cstdint>
#include <span>

namespace tributary {

// Replaces *to by one bit for each of `positions`, which are 64 for each of its
// words: whether that bit of `from` is set. A position beyond `from`, such as
// kNoPosition, has the bit 0. Uses gather instructions where the processor has
// them.
//
// REQUIRES: positions.size() is 64 to.size(); `from` is not empty and has at
// most 2^32 - 1 bits that matter.
void GatherBits(std::span<const uint64_t> from,
                std::span<const uint32_t> positions, std::span<uint64_t> to);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_GATHER_BITS_H_
