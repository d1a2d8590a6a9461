// The scan of four-bit product quantisation codes.
//
// An item has C codes of four bits (see codebook.h). For a query there is one
// table of 16 entries per code, and the item's approximate score is
//
//   score(item) = bias + sum over c of table[c][code[c](item)]
//
// A table of 16 one-byte entries fits a SIMD register, so that one byte shuffle
// (pshufb, vpermb, tbl) looks up one code of 16 to 64 items at once. Tables in
// memory would need a load per item and code; this is several times as fast.
// The technique is the "fast scan" of André, Kermarrec, Le Scouarnec, "Cache
// locality is not enough" (VLDB 2015) and "Quicker ADC" (IEEE TPAMI 2019).
// ScaNN (Guo et al. 2020) and FAISS's IndexPQFastScan do the same.
//
// Layout. Codes are stored in blocks of kBlockItems = 64 items; a *slot* is an
// item's index in this order, 64 * block + item in block. A block holds its
// codes by pairs: for codes 2p and 2p + 1 it has 64 bytes, one per item,
//
//   byte:   0    1    2    3   ...  62   63       low four bits:  code 2p
//   item:   0   32    1   33   ...  31   63       high four bits: code 2p + 1
//
// Byte 2i belongs to item i and byte 2i + 1 to item 32 + i. Sums need 16 bits:
// in the 16-bit lanes of these bytes, the low halves are items 0 to 31 and the
// high halves items 32 to 63, each in order, so that widening needs no shuffle.
//
// Ranges. An entry is at most kMaxEntry = 127, so that the sum of a pair's two
// entries fits an unsigned byte. With at most kMaxCodes = 256 codes, a sum is
// at most 32512 and fits 16 bits; the bias is then added with saturation.
#ifndef TRIBUTARY_INDEX_SEARCH_CODE_SCAN_H_
#define TRIBUTARY_INDEX_SEARCH_CODE_SCAN_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "index/search/shortlist.h"

namespace tributary {

inline constexpr uint32_t kBlockItems = 64;
// Codewords that a four-bit code distinguishes.
inline constexpr uint32_t kCodewords = 16;
inline constexpr uint32_t kMaxCodes = 256;
inline constexpr int kMaxEntry = 127;
// A scan prefetches codes this many blocks ahead.
inline constexpr uint32_t kBlocksAhead = 8;

// The byte, of the 64 of each pair, that holds an item's codes.
inline constexpr uint32_t CodeByte(uint32_t item_in_block) {
  return item_in_block < 32 ? 2 * item_in_block : 2 * (item_in_block - 32) + 1;
}

// The inputs that all runs of one search share. Views.
struct CodeScan {
  // All blocks, [blocks][pairs][64].
  const uint8_t* codes;
  // [2 * pairs][16], entries 0 to kMaxEntry.
  const uint8_t* tables;
  // Pairs of codes per item, at most kMaxCodes / 2.
  uint32_t pairs;
  // Excluded items: for each block 64 bits, one per item; nullptr for none.
  const uint64_t* excluded;
  // Items that a filter does not allow, in the same form; nullptr for none.
  const uint64_t* barred = nullptr;
};

// Consecutive blocks: one list of an ivf, or the whole of a scan.
struct BlockRun {
  uint32_t first_block;
  uint32_t blocks;
  // Items in these blocks. Only the last block may have fewer than 64.
  uint32_t items;
  // Added to every score, with saturation. Above -32768.
  int16_t bias;
};

// The bias of a run, clamped. What is not a number, which vectors near the end
// of the range of float give, passes nothing over.
inline int16_t BiasOfRun(float bias) {
  if (!(bias < 32767.0F)) return 32767;
  return static_cast<int16_t>(std::max(bias, -32767.0F));
}

// The best items by code found so far: ids are slots, scores are integers held
// as float.
struct Survivors {
  Shortlist list;
  // At least this many items are kept, or all if there are fewer.
  uint32_t keep;
  // The list grows beyond this before all but the best `keep` are dropped. It
  // includes the room that Reset was given.
  size_t limit;
  size_t room;
  // Items with scores up to this one are not added. It rises whenever items are
  // dropped.
  float threshold;

  // With `more` room, ScanCodes drops none before the list has that many more
  // than it usually would.
  void Reset(uint32_t keep_at_least, size_t more = 0);
  // From now on keeps so many of those that are still there.
  void Keep(uint32_t keep_at_least);
  // Drops all but the best `keep`, or a few more.
  void Sift();
};

// Scores the items of the run and adds those above the threshold to
// `survivors`. `next_block` is the block that the caller will scan after the
// run; it is prefetched: what follows it, if the run has fewer than
// kBlocksAhead blocks. Thread-safe for distinct `survivors`.
void ScanCodes(const CodeScan& scan, const BlockRun& run, uint32_t next_block,
               Survivors* survivors);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_CODE_SCAN_H_
