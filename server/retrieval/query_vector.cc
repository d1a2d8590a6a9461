#include "server/retrieval/query_vector.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fmt/core.h"
#include "index/bundle/magnitude.h"

namespace tributary {
namespace {

float WithinFloat(double score) {
  constexpr double kMax = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(score, -kMax, kMax));
}

}  // namespace

double LengthOf(std::span<const float> vector) {
  double square = 0;
  for (const double x : vector) square += x * x;
  return std::sqrt(square);
}

absl::Status CheckQueryVector(std::span<const float> values) {
  const auto bad = std::find_if_not(values.begin(), values.end(),
                                    [](float x) { return std::isfinite(x); });
  if (bad != values.end()) {
    return absl::InvalidArgumentError(
        fmt::format("value {} is {}, expected a finite number",
                    bad - values.begin(), *bad));
  }
  if (LengthOf(values) > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "every value is 0: such a vector has no direction to search in");
}

double ScaleForSearch(v1::Metric metric, std::span<float> vector) {
  const double length = LengthOf(vector);
  if (!(length > 0 && std::isfinite(length))) return 0;
  const bool usual =
      length <= kMaxMagnitude && length >= 1 / double{kMaxMagnitude};
  if (metric != v1::COSINE && usual) return 1;
  const double scale = 1 / length;
  for (float& x : vector) x = static_cast<float>(x * scale);
  return metric == v1::COSINE ? 1 : length;
}

void RestoreScores(double factor, std::vector<ScoredRow>* hits) {
  if (hits->empty()) return;
  if (factor == 1 && std::isfinite(hits->front().score) &&
      std::isfinite(hits->back().score)) {
    return;
  }
  std::erase_if(*hits,
                [](const ScoredRow& hit) { return std::isnan(hit.score); });
  for (ScoredRow& hit : *hits) hit.score = WithinFloat(hit.score * factor);
}

}  // namespace tributary
