#include "evaluation/list_quality.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace tributary {

void Exposure::Add(std::span<const Row> list) {
  for (const Row row : list) {
    if (!IsCounted(row)) continue;
    counts_[row].fetch_add(1, std::memory_order_relaxed);
  }
}

double Exposure::Coverage() const {
  const auto shown = std::count_if(
      counts_.begin(), counts_.end(),
      [](const std::atomic<uint32_t>& count) { return count.load() > 0; });
  const uint64_t items =
      passing_ == nullptr ? counts_.size() : passing_->count();
  return static_cast<double>(shown) / std::max(1.0, static_cast<double>(items));
}

double Exposure::Gini() const {
  std::vector<uint32_t> sorted;
  sorted.reserve(counts_.size());
  for (size_t row = 0; row < counts_.size(); ++row) {
    if (IsCounted(row)) sorted.push_back(counts_[row].load());
  }
  std::sort(sorted.begin(), sorted.end());
  const auto n = static_cast<double>(sorted.size());
  double sum = 0;
  double weighted = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    sum += sorted[i];
    weighted += (2 * static_cast<double>(i + 1) - n - 1) * sorted[i];
  }
  return sum > 0 ? weighted / (n * sum) : 0;
}

std::optional<double> Novelty(std::span<const Row> list,
                              std::span<const uint32_t> users,
                              uint64_t n_users) {
  if (list.empty()) return std::nullopt;
  double bits = 0;
  for (const Row row : list) {
    bits -= std::log2((users[row] + 1.0) / (static_cast<double>(n_users) + 1));
  }
  return bits / static_cast<double>(list.size());
}

std::optional<double> Diversity(std::span<const Row> list,
                                const VectorTable& vectors) {
  // With unit vectors u_i, |sum u_i|^2 = n + the cosines of all ordered pairs:
  // linear in the length of the list instead of quadratic.
  static thread_local std::vector<float> vector;
  static thread_local std::vector<double> sum;
  vector.resize(vectors.dim());
  sum.assign(vectors.dim(), 0);
  double n = 0;
  for (const Row row : list) {
    const std::optional<uint32_t> position = vectors.Find(row);
    if (!position) continue;
    vectors.Read(*position, vector);
    double square = 0;
    for (const float value : vector) square += value * value;
    if (square == 0) continue;
    const double scale = 1 / std::sqrt(square);
    for (size_t d = 0; d < sum.size(); ++d) sum[d] += scale * vector[d];
    ++n;
  }
  if (n < 2) return std::nullopt;
  double square = 0;
  for (const double value : sum) square += value * value;
  return 1 - (square - n) / (n * (n - 1));
}

}  // namespace tributary
