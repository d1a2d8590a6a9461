#ifndef TRIBUTARY_INDEX_TRAIN_NEIGHBORS_EASE_H_
#define TRIBUTARY_INDEX_TRAIN_NEIGHBORS_EASE_H_

#include <cstdint>
#include <vector>

#include "index/bundle/row.h"
#include "index/data/histories.h"

namespace tributary {

// Item-to-item weights by ridge regression (EASE: Steck, "Embarrassingly
// Shallow Autoencoders for Sparse Data", 2019). With X the 0/1 matrix of users
// by items, the weights B of item i are those that predict its column from the
// others,
//
//   minimise |x_i - X b|^2 + ridge |b|^2 with b_i = 0,
//   so that b = (G_SS + ridge I)^-1 G_Si for G = X'X.
//
// Where items of histories have weights, X holds their square roots: G_ii is
// the weight of item i.
//
// Steck takes all other items as S and inverts all of G. Here S are, for each
// item, the max_candidates items j of the largest G_ij / sqrt(G_jj): those that
// occur with it most for how often they occur at all. Each item is then a small
// system of its own, and the catalogue may be large: memory is some kilobytes
// an item, time a Cholesky decomposition of |S| equations an item. On MovieLens
// 100k that finds no less than the dense solution.
//
// G_SS is put together from the 500 largest counts of each item; smaller ones
// are taken for 0. That can make the matrix indefinite, in which case the ridge
// of that item is raised.
inline constexpr size_t kEaseCandidates = 200;

class Ease {
 public:
  // Counts. Both outlive this object. An item's system has `max_candidates`
  // equations at most, and takes time in proportion to their cube.
  Ease(const Histories& histories, const ItemOccurrences& occurrences,
       uint32_t threads, size_t max_candidates = kEaseCandidates);

  // For each item j of a history, its weights for other items (row j of B),
  // some below 0, in an order that depends on the data alone. REQUIRES: ridge >
  // 0.
  std::vector<std::vector<ScoredRow>> Solve(double ridge) const;

 private:
  // The weights that predict `item` from its candidates (column `item` of B).
  std::vector<ScoredRow> SolveItem(Row item, double ridge) const;

  // By item: G_ii.
  const std::vector<double> weights_;
  const uint32_t threads_;
  // By item: the items that it occurs with most often and their counts, by row.
  std::vector<std::vector<ScoredRow>> counts_;
  // By item: its candidates and their counts, by row.
  std::vector<std::vector<ScoredRow>> candidates_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_NEIGHBORS_EASE_H_
