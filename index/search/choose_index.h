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
  // The space's item vectors, [vectors, dim], in the order of their rows, and
  // the same vectors as the bundle stores them.
  std::span<const float> values;
  StoredVectors stored;
  // "auto", "flat", "scan" or "ivf".
  std::string kind;
  // The number of lists of an ivf; 0: about 1.4 sqrt(vectors).
  uint32_t lists = 0;
  // The target: the mean share, 0 to 1, of the exact best target_n that
  // searches for target_n find.
  double target_recall = 0;
  uint32_t target_n = 0;
  // Queries that recall is measured on, [*, dim], not empty. They should be
  // distributed like those that users will send.
  std::span<const float> queries;
  uint32_t threads = 1;
};

struct ChosenIndex {
  v1::IndexSpec spec;
  // Set for the kinds scan and ivf.
  std::optional<CodedArrays> arrays;
};

// Measures *index candidates* (a kind with a setting: probes and reranked
// vectors) on the queries and returns the cheapest that meets the target:
//
//   mean recall >= min(1, target_recall + 3 standard errors of the mean)
//
// The margin makes up for choosing and measuring on the same queries, so that
// others meet the target too. Cost is CodedSearcher's model of the time and not
// a clock, so that the same input gives the same choice on any machine; only
// the times written to the spec differ. Also chooses small_n_exponent, which
// reduces effort for smaller n while those searches still meet the target. Of
// kind "auto", the exact scan (flat) is kept unless a candidate is 1.5 times as
// fast.
//
// In a catalogue of less than four times target_n vectors, the target applies
// to the best quarter of the vectors: where most vectors are results, any index
// finds them. Errors: INVALID_ARGUMENT when there are no vectors, no queries or
// target_n is 0; FAILED_PRECONDITION, with the recall that was reached, when no
// candidate of the kind in `input` meets the target.
absl::StatusOr<ChosenIndex> ChooseIndex(const IndexInput& input);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_CHOOSE_INDEX_H_
