// Checks what a request says of what to search for: vectors, liked items and
// weights of recent ones; and of how different candidates should be.
#ifndef TRIBUTARY_SERVER_PIPELINE_QUERY_CHECK_H_
#define TRIBUTARY_SERVER_PIPELINE_QUERY_CHECK_H_

#include "index/bundle/bundle.h"
#include "server/pipeline/violations.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// How many query vectors a request with `queries` may have, those of `vectors`
// included.
inline constexpr int kMaxQueries = 16;

// Checks `vectors`, `queries`, `like`, `unlike`, `recent_item_weights` and
// `diversity` against the bundle.
void CheckQuery(const v1::Limits& limits, const Bundle& bundle,
                const v1::RetrieveRequest& request, Violations* violations);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_QUERY_CHECK_H_
