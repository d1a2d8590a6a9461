#ifndef TRIBUTARY_INDEX_SEARCH_CODED_INDEX_H_
#define TRIBUTARY_INDEX_SEARCH_CODED_INDEX_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/bundle_writer.h"
#include "index/search/coded_vectors.h"
#include "index/search/vector_index.h"

namespace tributary {

// Writes <space>.ivf.*.npy, the files that v1::IndexSpec describes.
absl::Status WriteCodedArrays(const std::string& space,
                              const CodedArrays& arrays, BundleWriter* writer);

// Maps the files that WriteCodedArrays wrote, without reading the codes.
// DATA_LOSS, naming file and field, when an array's shape does not fit the
// manifest or the blocks of the lists are not ascending. The bundle must
// outlive the index.
absl::StatusOr<std::unique_ptr<VectorIndex>> OpenCodedIndex(
    const Bundle& bundle, const EmbeddingSpace& space);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_CODED_INDEX_H_
