#ifndef TRIBUTARY_INDEX_SEARCH_RECALL_H_
#define TRIBUTARY_INDEX_SEARCH_RECALL_H_

#include <span>

#include "index/bundle/row.h"

namespace tributary {

// The share of the exact answer's rows that are among `found`; 1 when the exact
// answer is empty. Cost: sorting both.
double Recall(std::span<const ScoredRow> exact,
              std::span<const ScoredRow> found);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_RECALL_H_
