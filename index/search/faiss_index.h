#ifndef TRIBUTARY_INDEX_SEARCH_FAISS_INDEX_H_
#define TRIBUTARY_INDEX_SEARCH_FAISS_INDEX_H_

#include <memory>

#include "absl/status/statusor.h"
#include "index/search/vector_index.h"

namespace tributary {

// Opens <space>.index, which faiss::write_index wrote for the space's item
// vectors in the order of their positions. DATA_LOSS, naming file and field,
// when FAISS cannot read it or its dimension, metric or count differ from the
// manifest. The index checks the deadline before a search, not inside. With
// `allowed` set in the filter it scores the allowed vectors exactly, by
// themselves. The bundle must outlive the index.
absl::StatusOr<std::unique_ptr<VectorIndex>> OpenFaissIndex(
    const Bundle& bundle, const EmbeddingSpace& space);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_FAISS_INDEX_H_
