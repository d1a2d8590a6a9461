#ifndef TRIBUTARY_INDEX_SEARCH_CHOOSE_INDEX_H_
#define TRIBUTARY_INDEX_SEARCH_CHOOSE_INDEX_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "index/search/coded_vectors.h"
#include "index/search/flat_scan.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

struct IndexInput {
  // The space's item vectors, [vectors, dim], in the order of their rows; and
  // as they are stored.
  std::span<const float> values;
  StoredVectors stored;
  // "auto", "flat", "scan" or "ivf".
  std::string kind;
  // How many lists ivf has; 0: about 1.4 sqrt(vectors).
  uint32_t lists = 0;
  // The share of the exact best target_n that searches are to find, 0 to 1.
  double target_recall = 0;
  uint32_t target_n = 0;
  // [*, dim], as users will send them: on these recall is measured. Not empty.
  std::span<const float> queries;
  uint32_t threads = 1;
  // An earlier index of the space, of a kind that `kind` allows (not faiss).
  // Its settings are taken over if one measurement finds that they reach the
  // target; else, and where there is none, they are chosen. May be null.
  const v1::IndexSpec* earlier = nullptr;
};

struct ChosenIndex {
  v1::IndexSpec spec;
  // Whether the settings are those of IndexInput::earlier.
  bool took_over = false;
  // Kinds scan and ivf.
  std::optional<CodedArrays> arrays;
};

// Tries kinds and settings, and takes the cheapest by a model of its cost whose
// mean recall over the queries is target_recall and three standard errors more,
// so that queries not tried here meet it too; and does less for fewer results
// as far as they meet it, too. In a catalogue below four times target_n, the
// target is for a quarter of the vectors. Same input, same choice; measured
// times differ. Errors: INVALID_ARGUMENT when there are no vectors or queries;
// FAILED_PRECONDITION, saying what was reached, when the kind asked for does
// not meet the target.
absl::StatusOr<ChosenIndex> ChooseIndex(const IndexInput& input);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_CHOOSE_INDEX_H_
