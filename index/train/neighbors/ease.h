#ifndef TRIBUTARY_INDEX_TRAIN_NEIGHBORS_EASE_H_
#define TRIBUTARY_INDEX_TRAIN_NEIGHBORS_EASE_H_

#include <cstdint>
#include <vector>

#include "index/bundle/row.h"
#include "index/data/histories.h"

namespace tributary {

// Item-to-item weights by ridge regression: each item from the others of a
// history (EASE: Steck, Embarrassingly Shallow Autoencoders, 2019), restricted
// to the kEaseCandidates items that occur with it most for how often they occur
// at all. On MovieLens-100k that is no worse than the dense solution, which
// needs all items at once. Unlike there, items may be many: memory is some
// kilobytes an item, time a system of kEaseCandidates equations an item.
inline constexpr size_t kEaseCandidates = 200;

class Ease {
 public:
  // Counts. Both outlive this object.
  Ease(const Histories& histories, const ItemPlaces& places, uint32_t threads);

  // For each item j, what having it says for other items: weights, some below
  // 0, in any order that depends on the data alone. REQUIRES: ridge > 0.
  std::vector<std::vector<ScoredRow>> Solve(double ridge) const;

 private:
  // The weights for `item` of its candidates.
  std::vector<ScoredRow> SolveItem(Row item, double ridge) const;

  const ItemPlaces& places_;
  const uint32_t threads_;
  // By item: the items it occurs with most often and how often, by row.
  std::vector<std::vector<ScoredRow>> counts_;
  // By item: those that are candidates, by row.
  std::vector<std::vector<ScoredRow>> candidates_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_NEIGHBORS_EASE_H_
