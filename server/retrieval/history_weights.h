#ifndef TRIBUTARY_SERVER_RETRIEVAL_HISTORY_WEIGHTS_H_
#define TRIBUTARY_SERVER_RETRIEVAL_HISTORY_WEIGHTS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// The weights (1 + rank)^-decay of a history's items for ranks 0, the newest,
// to max_history - 1. INVALID_ARGUMENT, naming the field, when decay or
// max_history is out of range.
absl::StatusOr<std::vector<float>> HistoryWeights(
    const v1::RetrieverSpec& spec);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_HISTORY_WEIGHTS_H_
