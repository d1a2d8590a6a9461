#ifndef TRIBUTARY_INDEX_SEARCH_RECALL_H_
#define TRIBUTARY_INDEX_SEARCH_RECALL_H_

#include <span>

#include "index/bundle/row.h"

namespace tributary {

// Recall, 0 to 1: the share of the rows in `exact` that are also in `found`; 1
// when `exact` is empty. Both may be in any order; O(n log n).
double Recall(std::span<const ScoredRow> exact,
              std::span<const ScoredRow> found);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_RECALL_H_
