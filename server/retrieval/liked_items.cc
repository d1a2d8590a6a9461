#include "server/retrieval/liked_items.h"

#include <cmath>
#include <cstddef>
#include <span>

#include "server/retrieval/query_vector.h"

namespace tributary {
namespace {

// A sum is 0 if it is shorter than this share of what was added up: vectors are
// float32, which rounds at 6e-8.
constexpr double kRounding = 1e-6;

double LengthOfSum(std::span<const double> vector) {
  double square = 0;
  for (const double x : vector) square += x * x;
  return std::sqrt(square);
}

// The sum of items' vectors, each `weight` long.
class UnitSum {
 public:
  explicit UnitSum(const VectorTable& items, std::vector<double>* values)
      : items_(items), values_(*values) {
    values_.assign(items.dim(), 0);
  }

  void Add(std::span<const WeightedRow> items, double sign) {
    thread_local std::vector<float> vector;
    vector.resize(items_.dim());
    for (const WeightedRow& item : items) {
      const auto position = items_.Find(item.row);
      if (!position.has_value()) continue;
      items_.Read(*position, vector);
      const double length = LengthOf(vector);
      if (!(length > 0 && std::isfinite(length))) continue;
      const double scale = sign * item.weight / length;
      for (size_t d = 0; d < values_.size(); ++d) {
        values_[d] += scale * vector[d];
      }
      added_ += item.weight;
    }
  }

  // The lengths of what was added; 0 if no item has a vector.
  double added() const { return added_; }

 private:
  const VectorTable& items_;
  std::vector<double>& values_;
  double added_ = 0;
};

// Adds `sum` to the vector, made 1 long. `added`: the lengths in `sum`.
void AddSum(std::span<const double> sum, double added,
            std::span<float> vector) {
  thread_local std::vector<double> total;
  total.assign(sum.begin(), sum.end());
  const double length = LengthOf(vector);
  if (length > 0 && std::isfinite(length)) {
    for (size_t d = 0; d < total.size(); ++d) total[d] += vector[d] / length;
    added += 1;
  }
  const bool is_zero = LengthOfSum(total) <= kRounding * added;
  for (size_t d = 0; d < total.size(); ++d) {
    vector[d] = is_zero ? 0 : static_cast<float>(total[d]);
  }
}

}  // namespace

void AddLikedItems(const RetrieverQuery& query, const EmbeddingSpace& space,
                   std::vector<float>* vectors) {
  thread_local std::vector<double> values;
  UnitSum sum(space.items, &values);
  sum.Add(query.liked, 1);
  sum.Add(query.unliked, -1);
  if (sum.added() == 0) return;
  const size_t dim = values.size();
  if (vectors->empty()) vectors->assign(dim, 0);
  for (size_t begin = 0; begin < vectors->size(); begin += dim) {
    AddSum(values, sum.added(), std::span(&(*vectors)[begin], dim));
  }
}

}  // namespace tributary
