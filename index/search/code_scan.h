// The scan of four-bit codes: each code of an item selects one of 16 entries
// of a table of the query's, and the item's score is their sum. Sixteen entries
// of a byte fit a register, so that one instruction looks up dozens of items
// ("fast scan": André et al. 2015; Guo et al. 2020; FAISS's PQ4 fast scan).
#ifndef TRIBUTARY_INDEX_SEARCH_CODE_SCAN_H_
#define TRIBUTARY_INDEX_SEARCH_CODE_SCAN_H_

#include <cstddef>
#include <cstdint>

#include "index/search/shortlist.h"

namespace tributary {

// Codes are stored by blocks of 64 items. A block holds, for each pair of
// codes 2p and 2p + 1, 64 bytes with the one in the low and the other in the
// high half: byte 2i for item i, byte 2i + 1 for item 32 + i (i below 32), so
// that bytes widen to 16 bits in order.
inline constexpr uint32_t kBlockItems = 64;
inline constexpr uint32_t kCodeWords = 16;
// Table entries are at most 127, so that two fit a byte and sums of all fit 16
// bits.
inline constexpr uint32_t kMaxCodes = 256;
inline constexpr int kMaxEntry = 127;

inline constexpr uint32_t CodeByte(uint32_t item_in_block) {
  return item_in_block < 32 ? 2 * item_in_block : 2 * (item_in_block - 32) + 1;
}

// What does not change from list to list.
struct CodeScan {
  // All blocks, [blocks][pairs][64].
  const uint8_t* codes;
  // [2 pairs][16].
  const uint8_t* tables;
  uint32_t pairs;
  // A word per block, its bits those of the items that are left out; nullptr
  // for none.
  const uint64_t* excluded;
};

// Blocks that are scanned on end.
struct BlockRun {
  uint32_t first_block;
  uint32_t blocks;
  // Of the blocks; the last one's may be fewer than 64.
  uint32_t items;
  // Added to every score, which saturates. Above -32768.
  int16_t bias;
};

// The best so far by code: ids are places, scores integers.
struct Survivors {
  Shortlist list;
  // How many are kept, at least; limit() come together before they are sifted.
  uint32_t keep;
  // Scores up to it are not taken.
  float threshold;

  void Reset(uint32_t keep_at_least);
  size_t limit() const { return size_t{keep} + keep / 2 + 256; }
};

// Offers the items of the run to `survivors`. `next_block` is what will be
// scanned after it, to be fetched in time.
void ScanCodes(const CodeScan& scan, const BlockRun& run, uint32_t next_block,
               Survivors* survivors);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_CODE_SCAN_H_
