#ifndef TRIBUTARY_SERVER_RETRIEVAL_USER_HISTORY_H_
#define TRIBUTARY_SERVER_RETRIEVAL_USER_HISTORY_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/bundle/row.h"
#include "server/retrieval/retriever.h"

namespace tributary {

// The history of the query's user without what the request says: what the
// bundle stores, and live events after it.
inline std::span<const Row> StoredHistory(const Bundle& bundle,
                                          const RetrieverQuery& query) {
  return query.live_history.empty() ? bundle.Wanted(query.user)
                                    : query.live_history;
}

// Replaces *history with the newest `max_items` items of `stored` followed by
// `recent` (the request's items). All three are newest last. An item that
// occurs more than once is kept at its last occurrence. Allocates nothing once
// *history has grown. REQUIRES: `stored` has no duplicates.
void JoinHistories(std::span<const Row> stored, std::span<const Row> recent,
                   uint32_t max_items, std::vector<Row>* history);

// The same for those items of `recent` whose weight is above 0; `weights` is as
// long as `recent`, or empty: 1 each. An item whose weight is 0 is left out of
// *history even if it is in `stored`.
void JoinCounting(std::span<const Row> stored, std::span<const Row> recent,
                  std::span<const float> weights, uint32_t max_items,
                  std::vector<Row>* history);

// The same for `stored` followed by the query's history and its liked items,
// which are newer than all else, and newest last. Replaces *weights with how
// much each item of *history counts: what the query says, and 1 for stored
// items. *weights is empty if the query says nothing: 1 each.
void JoinWeighted(std::span<const Row> stored, const RetrieverQuery& query,
                  uint32_t max_items, std::vector<Row>* history,
                  std::vector<float>* weights);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_USER_HISTORY_H_
