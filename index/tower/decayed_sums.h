#ifndef TRIBUTARY_INDEX_TOWER_DECAYED_SUMS_H_
#define TRIBUTARY_INDEX_TOWER_DECAYED_SUMS_H_

#include <cstddef>
#include <span>
#include <vector>

#include "index/bundle/npy.h"

namespace tributary {

// The first column of a part of DecayedSums; dim for `part` = parts.
size_t PartBegin(size_t dim, size_t parts, size_t part);

// Sums of a history's vectors by v1::HistoryInput's DECAYED_SUM and
// DECAYED_MEAN: the columns are as many parts as there are decays, and what
// part p takes of the vector of rank r, 0 the newest, weighs (1 +
// r)^-decays[p]. Immutable and thread-safe.
class DecayedSums {
 public:
  DecayedSums() = default;
  // For histories of up to `max_items` vectors of `dim` values. No decays: one,
  // of 0.
  DecayedSums(std::span<const double> decays, size_t dim, size_t max_items);

  size_t parts() const { return parts_.size(); }
  float weight(size_t part, size_t rank) const {
    return parts_[part].weights[rank];
  }

  // Adds a weighted vector to `dim` sums. REQUIRES: rank < max_items.
  void Add(size_t rank, const float* vector, float* sums) const;
  void Add(size_t rank, const Half* vector, float* sums) const;
  // Divides the sums by the l2 norms of the weights of the first `count` ranks,
  // or by the sums of those weights. REQUIRES: 1 <= count <= max_items.
  void DivideByNorms(size_t count, float* sums) const;
  void DivideByTotals(size_t count, float* sums) const;

 private:
  // By rank.
  struct Part {
    std::vector<float> weights;
    // The sums up to a rank, it included: of weights and of their squares.
    std::vector<double> totals;
    std::vector<double> squares;
  };

  template <typename T>
  void AddAny(size_t rank, const T* vector, float* sums) const;
  size_t begin(size_t part) const {
    return PartBegin(dim_, parts_.size(), part);
  }
  void Scale(size_t part, double factor, float* sums) const;

  size_t dim_ = 0;
  std::vector<Part> parts_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TOWER_DECAYED_SUMS_H_
