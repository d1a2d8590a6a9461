#ifndef TRIBUTARY_SERVER_RETRIEVAL_USER_HISTORY_H_
#define TRIBUTARY_SERVER_RETRIEVAL_USER_HISTORY_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/bundle/row.h"

namespace tributary {

// Replaces *history by the newest `max_items` of what is stored and, after it,
// of what the request brings (`recent`); both newest last. Items that come more
// than once stand where they came last.
// REQUIRES: `stored` has none twice. Allocates nothing once *history has grown.
void JoinHistories(std::span<const Row> stored, std::span<const Row> recent,
                   uint32_t max_items, std::vector<Row>* history);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_USER_HISTORY_H_
