#ifndef TRIBUTARY_SERVER_RETRIEVAL_HISTORY_WEIGHTS_H_
#define TRIBUTARY_SERVER_RETRIEVAL_HISTORY_WEIGHTS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// What the items of a history weigh, the newest first, by the spec's decay; as
// many as the spec's max_history. INVALID_ARGUMENT naming the setting that is
// out of range.
absl::StatusOr<std::vector<float>> HistoryWeights(
    const v1::RetrieverSpec& spec);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_HISTORY_WEIGHTS_H_
