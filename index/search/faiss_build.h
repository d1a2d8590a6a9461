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
  // The space's item vectors, in the order of their rows.
  std::span<const float> values;
  uint32_t dim;
  // In faiss::index_factory's language; empty for "IVF<L>,Flat" with
  // L = 4 sqrt(vectors), at most a 39th of the vectors as FAISS's training
  // wants it.
  std::string factory;
  // The share of the exact best target_n that searches are to find, 0 to 1.
  double target_recall;
  uint32_t target_n;
  // [*, dim]; on these the recall is measured. Not empty.
  std::span<const float> queries;
  // How much of the knob's range may be used, above 0 to 1.
  double max_effort_share = 1;
};

// Trains the index, turns its knob (nprobe, efSearch) up as far as the target
// takes and no further, writes it to `file` and returns its spec with the
// recall it reached. Same input, same bytes. Errors: INVALID_ARGUMENT when
// FAISS refuses the factory string or there are no vectors or queries;
// FAILED_PRECONDITION, saying what was reached, when the knob, turned up as far
// as allowed, does not meet the target. A kind without a knob is taken as it
// is.
absl::StatusOr<v1::IndexSpec> BuildFaissIndex(
    const FaissBuildInput& input, const std::filesystem::path& file);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_FAISS_BUILD_H_
