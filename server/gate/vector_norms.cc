#include "server/gate/vector_norms.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace tributary {
namespace {

constexpr uint64_t kSampledVectors = 4096;

}  // namespace

NormMeasurement MeasureNorms(std::string name, const VectorTable& vectors) {
  NormMeasurement measured{.name = std::move(name)};
  const uint64_t count = std::min(vectors.size(), kSampledVectors);
  std::vector<float> vector(vectors.dim());
  uint64_t zeros = 0;
  double sum = 0;
  for (uint64_t i = 0; i < count; ++i) {
    vectors.Read(i * vectors.size() / count, vector);
    // In double: squares of floats overflow, and vanish, in float.
    double square = 0;
    for (const double x : vector) square += x * x;
    const double norm = std::sqrt(square);
    // Written so that a NaN norm counts as zero.
    if (!(norm > 0 && std::isfinite(norm))) {
      ++zeros;
    } else {
      sum += norm;
    }
  }
  if (count > zeros) measured.mean = sum / static_cast<double>(count - zeros);
  if (count > 0) {
    measured.zero_share =
        static_cast<double>(zeros) / static_cast<double>(count);
  }
  return measured;
}

}  // namespace tributary
