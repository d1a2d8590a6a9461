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
  // The same of every list, in their order. Filtered searches alone use it.
  Shortlist all_lists;
  std::vector<float> padded_query;
  QueryTables tables;
  Survivors survivors;
  // The items to ignore: for each block 64 bits, one per item. All zero between
  // searches, of this searcher or another.
  std::vector<uint64_t> marks;
  // The slots of items that are scored exactly whatever their codes say.
  std::vector<uint32_t> direct;
  // What is scored exactly, if there are direct ones.
  Shortlist joined;
  // A sample of the excluded or of the surviving items.
  Shortlist sample;
  // How the last scan's scores are read: q . x ~ score * unit + zero.
  float code_unit;
  float code_zero;
  SearchWork work;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_CODED_SCRATCH_H_
