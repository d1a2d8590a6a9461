#ifndef TRIBUTARY_INDEX_SEARCH_FAISS_INDEX_H_
#define TRIBUTARY_INDEX_SEARCH_FAISS_INDEX_H_

#include <memory>

#include "absl/status/statusor.h"
#include "index/search/vector_index.h"

namespace tributary {

// Opens <space>.index: what faiss::write_index wrote for the space's items, in
// their order. DATA_LOSS, naming file and field, when it cannot be read or its
// dimension, metric or count differ from the manifest. The deadline is not
// looked at inside a search. The bundle must outlive it.
absl::StatusOr<std::unique_ptr<VectorIndex>> OpenFaissIndex(
    const Bundle& bundle, const EmbeddingSpace& space);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_FAISS_INDEX_H_
