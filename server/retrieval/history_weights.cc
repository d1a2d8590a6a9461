#include "server/retrieval/history_weights.h"

#include <cmath>
#include <cstdint>

#include "index/bundle/retriever_fields.h"
#include "status/status_macros.h"

namespace tributary {
absl::StatusOr<std::vector<float>> HistoryWeights(
    const v1::RetrieverSpec& spec) {
  RETURN_IF_ERROR(CheckHistoryFields(spec));
  std::vector<float> weights;
  for (uint32_t rank = 0; rank < spec.max_history(); ++rank) {
    weights.push_back(static_cast<float>(std::pow(1.0 + rank, -spec.decay())));
  }
  return weights;
}

}  // namespace tributary
