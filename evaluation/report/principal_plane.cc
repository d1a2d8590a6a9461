#include "evaluation/report/principal_plane.h"

#include <cmath>
#include <random>

namespace tributary {
namespace {

constexpr int kPowerIterations = 100;

std::vector<double> Centred(std::span<const float> vectors, size_t dim) {
  std::vector<double> centred(vectors.begin(), vectors.end());
  const size_t n = centred.size() / dim;
  for (size_t d = 0; d < dim; ++d) {
    double mean = 0;
    for (size_t i = 0; i < n; ++i) mean += centred[i * dim + d];
    mean /= static_cast<double>(n);
    for (size_t i = 0; i < n; ++i) centred[i * dim + d] -= mean;
  }
  return centred;
}

// Scales to length 1; what has none is left alone.
void Normalise(std::vector<double>* vector) {
  double square = 0;
  for (const double value : *vector) square += value * value;
  if (square == 0) return;
  for (double& value : *vector) value /= std::sqrt(square);
}

std::vector<double> Scores(std::span<const double> rows,
                           const std::vector<double>& axis) {
  std::vector<double> scores(rows.size() / axis.size());
  for (size_t i = 0; i < scores.size(); ++i) {
    for (size_t d = 0; d < axis.size(); ++d) {
      scores[i] += rows[i * axis.size() + d] * axis[d];
    }
  }
  return scores;
}

std::vector<double> FirstAxis(std::span<const double> rows, size_t dim) {
  std::mt19937_64 engine(1);
  std::vector<double> axis(dim);
  for (double& value : axis) {
    value = static_cast<double>(engine() >> 11) / 9007199254740992.0 - .5;
  }
  Normalise(&axis);
  for (int iteration = 0; iteration < kPowerIterations; ++iteration) {
    const std::vector<double> scores = Scores(rows, axis);
    axis.assign(dim, 0);
    for (size_t i = 0; i < scores.size(); ++i) {
      for (size_t d = 0; d < dim; ++d) axis[d] += scores[i] * rows[i * dim + d];
    }
    Normalise(&axis);
  }
  return axis;
}

double SquaredLength(std::span<const double> values) {
  double square = 0;
  for (const double value : values) square += value * value;
  return square;
}

}  // namespace

PrincipalPlane ProjectOnPlane(std::span<const float> vectors, size_t dim) {
  std::vector<double> rows = Centred(vectors, dim);
  const double variance = SquaredLength(rows);
  PrincipalPlane plane;
  plane.points.resize(rows.size() / dim);
  for (size_t component = 0; component < 2; ++component) {
    const std::vector<double> axis = FirstAxis(rows, dim);
    const std::vector<double> scores = Scores(rows, axis);
    for (size_t i = 0; i < scores.size(); ++i) {
      plane.points[i][component] = scores[i];
      for (size_t d = 0; d < dim; ++d) rows[i * dim + d] -= scores[i] * axis[d];
    }
    if (variance > 0) {
      plane.variance_share[component] = SquaredLength(scores) / variance;
    }
  }
  return plane;
}

}  // namespace tributary
