#ifndef TRIBUTARY_INDEX_TRAIN_NEIGHBORS_CO_OCCURRENCE_H_
#define TRIBUTARY_INDEX_TRAIN_NEIGHBORS_CO_OCCURRENCE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "index/bundle/row.h"
#include "index/data/histories.h"

namespace tributary {

// The weight of a pair of items of one history. Where the items have weights of
// their own (Histories.weights), it is multiplied by the square roots of both,
// as if the matrix of users by items held the roots: an item's pairs with
// itself then add up to the item's weight.
struct PairWeights {
  // By user; empty: 1.
  std::vector<float> users;
  // A factor of distance^-distance_decay, where adjacent items of the history
  // have distance 1. Pairs further apart than `max_distance` or `max_gap_s`
  // seconds do not count.
  double distance_decay = 0;
  uint32_t max_distance = std::numeric_limits<uint32_t>::max();
  int64_t max_gap_s = std::numeric_limits<int64_t>::max();
  // Factors for pairs whose other item came after the row's own, or before it.
  float after = 1;
  float before = 1;
};

// The sums of pair weights of each item with the others: rows of a matrix that
// is never held as a whole. All rows together take time in proportion to the
// sum over histories of length * min(length, 2 max_distance). Thread-safe.
class CoOccurrence {
 public:
  // Both outlive this object.
  CoOccurrence(const Histories& histories, const ItemOccurrences& occurrences,
               PairWeights weights);

  // Calls use(item, row) for every item that occurs, on `threads` threads. The
  // row holds the items that it occurs with, itself excluded, in an order that
  // depends on the data alone. The callee may change the row, which does not
  // outlive the call.
  void ForEachRow(
      uint32_t threads,
      const std::function<void(Row, std::vector<ScoredRow>*)>& use) const;

 private:
  // Adds up the item's row; `sums` is all 0 before and after. kWeighted:
  // whether items have weights.
  template <bool kWeighted>
  void MakeRow(Row item, std::vector<float>* sums,
               std::vector<ScoredRow>* row) const;

  const Histories& histories_;
  const ItemOccurrences& occurrences_;
  const PairWeights weights_;
  // By distance, up to the longest history.
  std::vector<float> by_distance_;
  // The roots of the histories' weights, parallel to them.
  std::vector<float> roots_;
};

// Keeps the n entries of the largest key(entry) in the row, best first, ties by
// row.
template <typename Key>
void KeepBest(size_t n, const Key& key, std::vector<ScoredRow>* row) {
  const auto better = [&](const ScoredRow& a, const ScoredRow& b) {
    return Better({a.row, key(a)}, {b.row, key(b)});
  };
  if (row->size() > n) {
    std::nth_element(row->begin(), row->begin() + static_cast<int64_t>(n),
                     row->end(), better);
    row->resize(n);
  }
  std::sort(row->begin(), row->end(), better);
}

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_NEIGHBORS_CO_OCCURRENCE_H_
