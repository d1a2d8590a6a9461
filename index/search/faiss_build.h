#ifndef TRIBUTARY_INDEX_SEARCH_FAISS_BUILD_H_
#define TRIBUTARY_INDEX_SEARCH_FAISS_BUILD_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

struct FaissBuildInput {
  // The space's item vectors, [vectors, dim], in the order of their rows.
  std::span<const float> values;
  uint32_t dim;
  // A string for faiss::index_factory. Empty: "IVF<L>,Flat" with
  // L = 4 sqrt(vectors), but at most vectors / 39, the fewest vectors per list
  // that FAISS trains on without a warning.
  std::string factory;
  // The target: the mean share, 0 to 1, of the exact best target_n that
  // searches for target_n find.
  double target_recall;
  uint32_t target_n;
  // Queries that recall is measured on, [*, dim], not empty.
  std::span<const float> queries;
  // The share of the knob's range that may be used, above 0 to 1.
  double max_effort_share = 1;
};

// Trains the index, sets its knob (nprobe or efSearch) to the lowest value that
// meets the target, writes the index to `file` and returns its spec with the
// recall it reached. An index without a knob is written as it is, whether it
// meets the target or not. The same input gives the same bytes. Errors:
// INVALID_ARGUMENT when FAISS refuses the factory string or makes of it a type
// that CheckFaissFile refuses, or when there are no vectors or queries;
// FAILED_PRECONDITION, with the recall reached, when the highest allowed value
// of the knob does not meet the target.
absl::StatusOr<v1::IndexSpec> BuildFaissIndex(
    const FaissBuildInput& input, const std::filesystem::path& file);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_FAISS_BUILD_H_
