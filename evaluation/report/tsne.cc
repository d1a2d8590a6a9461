#include "evaluation/report/tsne.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "index/parallel/parallel_for.h"

namespace tributary {
namespace {

constexpr double kPerplexity = 30;
constexpr int kTsneIterations = 600;
// Attraction is stronger at first, so that clusters form.
constexpr int kEarlyIterations = 100;
constexpr double kEarlyExaggeration = 12;
constexpr double kInitialDeviation = 1e-4;
constexpr uint64_t kRowsPerPiece = 16;

class Tsne {
 public:
  Tsne(std::span<const float> vectors, size_t dim, uint32_t threads)
      : n_(vectors.size() / dim), threads_(threads), affinity_(n_ * n_) {
    SetAffinities(vectors, dim);
    Start(ProjectOnPlane(vectors, dim).points);
  }

  std::vector<Point> Run() {
    for (int i = 0; i < kTsneIterations; ++i) {
      const bool early = i < kEarlyIterations;
      Step(early ? kEarlyExaggeration : 1, early ? .5 : .8);
    }
    return points_;
  }

 private:
  void ForRows(const std::function<void(size_t)>& body) const {
    ParallelFor(n_, kRowsPerPiece, threads_, [&](uint64_t begin, uint64_t end) {
      for (uint64_t i = begin; i < end; ++i) body(i);
    });
  }

  void SetAffinities(std::span<const float> vectors, size_t dim) {
    ForRows([&](size_t i) {
      float* row = &affinity_[i * n_];
      for (size_t j = 0; j < n_; ++j) {
        float square = 0;
        for (size_t d = 0; d < dim; ++d) {
          const float difference = vectors[i * dim + d] - vectors[j * dim + d];
          square += difference * difference;
        }
        row[j] = square;
      }
      SetRow(i, row);
    });
    // Symmetric, with the sum 1.
    for (size_t i = 0; i < n_; ++i) {
      affinity_[i * n_ + i] = 0;
      for (size_t j = 0; j < i; ++j) {
        const float mean = (affinity_[i * n_ + j] + affinity_[j * n_ + i]) /
                           (2 * static_cast<float>(n_));
        affinity_[i * n_ + j] = affinity_[j * n_ + i] = mean;
      }
    }
  }

  // Squared distances of a row become probabilities of the wanted perplexity,
  // by bisection of the precision.
  void SetRow(size_t i, float* row) const {
    const double wanted =
        std::log(std::min(kPerplexity, static_cast<double>(n_) / 4));
    double low = 0, high = std::numeric_limits<double>::infinity();
    double precision = 1;
    std::vector<double> p(n_);
    double sum = 0;
    for (int trial = 0; trial < 50; ++trial) {
      sum = 0;
      double weighted = 0;
      for (size_t j = 0; j < n_; ++j) {
        p[j] = j == i ? 0 : std::exp(-precision * row[j]);
        sum += p[j];
        weighted += p[j] * row[j];
      }
      const double entropy =
          sum > 0 ? std::log(sum) + precision * weighted / sum : 0;
      if (std::abs(entropy - wanted) < 1e-5) break;
      (entropy > wanted ? low : high) = precision;
      precision = std::isinf(high) ? precision * 2 : (low + high) / 2;
    }
    for (size_t j = 0; j < n_; ++j) {
      row[j] = static_cast<float>(sum > 0 ? p[j] / sum : 0);
    }
  }

  void Start(const std::vector<Point>& plane) {
    double square = 0;
    for (const Point& point : plane) square += point[0] * point[0];
    const double deviation = std::sqrt(square / static_cast<double>(n_));
    const double scale = deviation > 0 ? kInitialDeviation / deviation : 0;
    for (const Point& point : plane) {
      points_.push_back({point[0] * scale, point[1] * scale});
    }
    velocity_.resize(n_);
    attraction_.resize(n_);
    repulsion_.resize(n_);
    row_sums_.resize(n_);
  }

  void Step(double exaggeration, double momentum) {
    ForRows([&](size_t i) { Forces(i); });
    double sum = 0;
    for (const double row_sum : row_sums_) sum += row_sum;
    const double rate =
        std::max(static_cast<double>(n_) / kEarlyExaggeration, 50.0);
    for (size_t i = 0; i < n_; ++i) {
      for (size_t d = 0; d < 2; ++d) {
        const double gradient = 4 * (exaggeration * attraction_[i][d] -
                                     repulsion_[i][d] / std::max(sum, 1e-12));
        velocity_[i][d] = momentum * velocity_[i][d] - rate * gradient;
      }
    }
    for (size_t i = 0; i < n_; ++i) {
      for (size_t d = 0; d < 2; ++d) points_[i][d] += velocity_[i][d];
    }
  }

  void Forces(size_t i) {
    Point attraction = {}, repulsion = {};
    double sum = 0;
    const float* affinity = &affinity_[i * n_];
    for (size_t j = 0; j < n_; ++j) {
      const double x = points_[i][0] - points_[j][0];
      const double y = points_[i][1] - points_[j][1];
      const double near = i == j ? 0 : 1 / (1 + x * x + y * y);
      sum += near;
      attraction[0] += affinity[j] * near * x;
      attraction[1] += affinity[j] * near * y;
      repulsion[0] += near * near * x;
      repulsion[1] += near * near * y;
    }
    attraction_[i] = attraction;
    repulsion_[i] = repulsion;
    row_sums_[i] = sum;
  }

  const size_t n_;
  const uint32_t threads_;
  // [n, n]: first distances, then probabilities.
  std::vector<float> affinity_;
  std::vector<Point> points_, velocity_, attraction_, repulsion_;
  std::vector<double> row_sums_;
};

}  // namespace

std::vector<Point> EmbedByTsne(std::span<const float> vectors, size_t dim,
                               uint32_t threads) {
  return Tsne(vectors, dim, threads).Run();
}

}  // namespace tributary
