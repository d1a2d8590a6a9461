// A part of CodedSearcher, which coded_search.cc and allowed_search.cc share.
#ifndef TRIBUTARY_INDEX_SEARCH_CODED_SCRATCH_H_
#define TRIBUTARY_INDEX_SEARCH_CODED_SCRATCH_H_

#include <cstdint>
#include <vector>

#include "index/search/code_scan.h"
#include "index/search/codebook.h"
#include "index/search/coded_search.h"
#include "index/search/shortlist.h"

namespace tributary {

// The scores of lists are clamped to +-kMaxListScore, so that differences are
// finite even for products that have overflowed.
inline constexpr float kMaxListScore = 1e38f;

// Where a list has more blocks, filtered searches sift survivors between
// blocks, and nothing is packed.
inline constexpr uint32_t kMostListBlocks = 256;

// What a search works with. Each thread has one, which all its searches use, so
// that they allocate nothing after the first ones.
struct CodedSearcher::Scratch {
  static Scratch& OfThread() {
    thread_local Scratch scratch;
    return scratch;
  }

  // |query|, finite.
  float query_length;
  // Ids are lists, best first; scores are those of the ranking.
  Shortlist lists;
  std::vector<float> padded_query;
  QueryTables tables;
  Survivors survivors;
  // The items to ignore: for each block 64 bits, one per item. All zero between
  // searches, of this searcher or another.
  std::vector<uint64_t> marks;
  // A sample of the excluded or of the surviving items.
  Shortlist sample;
  // How the last scan's scores are read: q . x ~ score * unit + zero. An item
  // of a list has the bias (q . centroid - base) / unit + anchor.
  float code_unit;
  float code_zero;
  float code_base;
  float code_anchor;
  SearchWork work;

  // What follows is of filtered searches alone.
  //
  // The lists in which something is allowed; scores are their bounds.
  Shortlist all_lists;
  // By list: whether this scan has been there.
  std::vector<uint8_t> visited;
  // Slots, and then positions, of items that are to be scored exactly whatever
  // their codes say.
  std::vector<uint32_t> direct;
  // The best of the items that were scored exactly. Ids are positions.
  Shortlist scored;
  // The least reach of any list, as in AllowedSlots::reaches.
  float least_reach;
  // A bitmap of positions; all zero when it is not used.
  std::vector<uint64_t> positions;
  // That many score above this as are looked for.
  float exact_threshold;
  // In a second scan, so many survivors are scored at once. Otherwise 0.
  size_t batch = 0;
  // How far below the worst hit's exact score a score by code is looked at.
  float code_margin;
  // Hits of the first scan, and their positions.
  std::vector<ScoredRow> first_hits;
  std::vector<uint32_t> hit_positions;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_CODED_SCRATCH_H_
