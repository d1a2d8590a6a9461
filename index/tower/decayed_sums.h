#ifndef TRIBUTARY_INDEX_TOWER_DECAYED_SUMS_H_
#define TRIBUTARY_INDEX_TOWER_DECAYED_SUMS_H_

#include <cstddef>
#include <span>
#include <vector>

#include "index/bundle/npy.h"

namespace tributary {

// The first of the `dim` columns that belong to `part`, 0 to parts - 1; dim for
// part == parts. Parts are ceil(dim / parts) columns wide, the last ones less.
size_t PartBegin(size_t dim, size_t parts, size_t part);

// Weighted sums of a history's vectors, for the poolings DECAYED_SUM and
// DECAYED_MEAN of v1::HistoryInput. With P decays the columns are divided into
// P parts, and part p of the sum of vectors x_r, r = 0 being the newest, is
//
//   sum over r of (1 + r)^-decays[p] x_r
//
// Immutable and thread-safe.
class DecayedSums {
 public:
  DecayedSums() = default;
  // For histories of up to `max_items` vectors of `dim` values. Without decays
  // there is one part, with a decay of 0.
  DecayedSums(std::span<const double> decays, size_t dim, size_t max_items);

  size_t parts() const { return parts_.size(); }
  float weight(size_t part, size_t rank) const {
    return parts_[part].weights[rank];
  }

  // Adds the vector of this rank, weighted, to the `dim` sums. REQUIRES:
  // rank < max_items.
  void Add(size_t rank, const float* vector, float* sums) const;
  void Add(size_t rank, const Half* vector, float* sums) const;
  // Divides each part of the sums by the l2 norm, or by the total, of its
  // weights of ranks below `count`. REQUIRES: 1 <= count <= max_items.
  void DivideByNorms(size_t count, float* sums) const;
  void DivideByTotals(size_t count, float* sums) const;

 private:
  // Arrays by rank.
  struct Part {
    std::vector<float> weights;
    // Cumulative sums, up to and including the rank, of the weights and of
    // their squares.
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
