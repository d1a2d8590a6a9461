#include "index/train/half_precision.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

namespace tributary {
namespace {

// Larger values round to infinity.
constexpr float kLargestHalf = 65504;

}  // namespace

bool RoundToHalf(std::vector<float>* values) {
  const bool in_range =
      std::all_of(values->begin(), values->end(),
                  [](float x) { return std::abs(x) <= kLargestHalf; });
  if (!in_range) return false;
  for (float& x : *values) x = static_cast<float>(Eigen::half(x));
  return true;
}

std::vector<Half> ToHalves(std::span<const float> values) {
  std::vector<Half> halves;
  halves.reserve(values.size());
  for (const float x : values) halves.push_back({Eigen::half(x).x});
  return halves;
}

}  // namespace tributary
