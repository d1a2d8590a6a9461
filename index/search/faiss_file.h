#ifndef TRIBUTARY_INDEX_SEARCH_FAISS_FILE_H_
#define TRIBUTARY_INDEX_SEARCH_FAISS_FILE_H_

#include <cstddef>
#include <span>
#include <string_view>

#include "absl/status/status.h"

namespace tributary {

// Checks the bytes of a file of FAISS 1.7.3 before FAISS reads them. FAISS
// trusts what it reads: it allocates what a size says, follows links and ids
// wherever they lead, opens files that an index names, and ends the process
// where an exception leaves a parallel region. What passes here makes it do
// none of that, when it is read or searched:
//
//   every size fits in the file, and the file ends where the index does;
//   dimensions, counts and sizes of codes agree from part to part;
//   floats are finite and at most kMaxMagnitude;
//   ids of lists and maps are those below ntotal, each once;
//   links of graphs lead to nodes that are on the link's level.
//
// Accepted are IndexFlat, IndexScalarQuantizer, IndexPQ, IndexPQFastScan, IVF
// of these with a quantiser that is flat, SQ, PQ or HNSW, HNSW on flat or SQ,
// and around them IndexRefine, IndexPreTransform and IndexIDMap: what
// index_factory makes for inner products, except additive quantisers, NSG, LSH
// and deduplicated lists.
//
// DATA_LOSS, naming `file`, the part of the index, the value and what was
// expected. Reads the bytes once, and links and levels of graphs in their
// order; allocates a bit for each vector of a list or map, and nothing because
// a size says so. Thread-safe.
absl::Status CheckFaissFile(std::span<const std::byte> bytes,
                            std::string_view file);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_FAISS_FILE_H_
