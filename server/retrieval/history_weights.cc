#include "server/retrieval/history_weights.h"

#include <cmath>
#include <cstdint>

#include "fmt/core.h"

namespace tributary {
namespace {

constexpr uint32_t kMaxHistory = 1000;
constexpr double kMaxDecay = 10;

}  // namespace

absl::StatusOr<std::vector<float>> HistoryWeights(
    const v1::RetrieverSpec& spec) {
  if (spec.max_history() < 1 || spec.max_history() > kMaxHistory) {
    return absl::InvalidArgumentError(fmt::format(
        "maxHistory: {}, expected 1 to {}", spec.max_history(), kMaxHistory));
  }
  // Written so that NaN is out of range.
  if (!(spec.decay() >= 0 && spec.decay() <= kMaxDecay)) {
    return absl::InvalidArgumentError(
        fmt::format("decay: {}, expected 0 to {}", spec.decay(), kMaxDecay));
  }
  std::vector<float> weights;
  for (uint32_t rank = 0; rank < spec.max_history(); ++rank) {
    weights.push_back(static_cast<float>(std::pow(1.0 + rank, -spec.decay())));
  }
  return weights;
}

}  // namespace tributary
