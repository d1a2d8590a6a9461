#ifndef TRIBUTARY_SERVER_RETRIEVAL_USER_HISTORY_H_
#define TRIBUTARY_SERVER_RETRIEVAL_USER_HISTORY_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/bundle/row.h"

namespace tributary {

// Replaces *history with the newest `max_items` items of `stored` followed by
// `recent` (the request's items). All three are newest last. An item that
// occurs more than once is kept at its last occurrence. Allocates nothing once
// *history has grown. REQUIRES: `stored` has no duplicates.
void JoinHistories(std::span<const Row> stored, std::span<const Row> recent,
                   uint32_t max_items, std::vector<Row>* history);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_USER_HISTORY_H_
