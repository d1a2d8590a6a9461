#include "index/tower/decayed_sums.h"

#include <algorithm>
#include <cmath>

#include "index/tower/accumulate.h"

namespace tributary {

size_t PartBegin(size_t dim, size_t parts, size_t part) {
  const size_t width = (dim + parts - 1) / parts;
  return std::min(part * width, dim);
}

DecayedSums::DecayedSums(std::span<const double> decays, size_t dim,
                         size_t max_items)
    : dim_(dim), parts_(std::max<size_t>(1, decays.size())) {
  for (size_t p = 0; p < parts_.size(); ++p) {
    const double decay = decays.empty() ? 0 : decays[p];
    double total = 0;
    double squares = 0;
    for (size_t rank = 0; rank < max_items; ++rank) {
      const auto weight =
          static_cast<float>(std::pow(1 + static_cast<double>(rank), -decay));
      total += weight;
      squares += static_cast<double>(weight) * weight;
      parts_[p].weights.push_back(weight);
      parts_[p].totals.push_back(total);
      parts_[p].squares.push_back(squares);
    }
  }
}

template <typename T>
void DecayedSums::AddAny(size_t rank, const T* vector, float* sums) const {
  for (size_t p = 0; p < parts_.size(); ++p) {
    const size_t from = begin(p);
    AddScaled(weight(p, rank), vector + from, begin(p + 1) - from, sums + from);
  }
}

void DecayedSums::Add(size_t rank, const float* vector, float* sums) const {
  AddAny(rank, vector, sums);
}

void DecayedSums::Add(size_t rank, const Half* vector, float* sums) const {
  AddAny(rank, vector, sums);
}

void DecayedSums::DivideByNorms(size_t count, float* sums) const {
  for (size_t p = 0; p < parts_.size(); ++p) {
    Scale(p, 1 / std::sqrt(parts_[p].squares[count - 1]), sums);
  }
}

void DecayedSums::DivideByTotals(size_t count, float* sums) const {
  for (size_t p = 0; p < parts_.size(); ++p) {
    Scale(p, 1 / parts_[p].totals[count - 1], sums);
  }
}

void DecayedSums::Scale(size_t part, double factor, float* sums) const {
  for (size_t i = begin(part); i < begin(part + 1); ++i) {
    sums[i] *= static_cast<float>(factor);
  }
}

}  // namespace tributary
