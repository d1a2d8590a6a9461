#ifndef TRIBUTARY_SERVER_RETRIEVAL_LIKED_ITEMS_H_
#define TRIBUTARY_SERVER_RETRIEVAL_LIKED_ITEMS_H_

#include <vector>

#include "index/bundle/bundle.h"
#include "server/retrieval/retriever.h"

namespace tributary {

// Adds the vectors of the query's liked items to each of *vectors, the query
// vectors of the space, end to end, and subtracts those of unliked items. All
// are made 1 long first, and then items are multiplied by their weights. If
// there is no query vector, or it is zero or not finite, the sum of the items
// is one. A sum that is 0 but for rounding becomes zeros. Nothing changes where
// none of the items has a vector in the space.
//
// Allocates nothing once buffers of the thread have grown.
void AddLikedItems(const RetrieverQuery& query, const EmbeddingSpace& space,
                   std::vector<float>* vectors);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_LIKED_ITEMS_H_
