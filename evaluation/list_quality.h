// What lists are like apart from hits: how much of the catalogue they show, how
// little known and how different from one another their items are.
#ifndef TRIBUTARY_EVALUATION_LIST_QUALITY_H_
#define TRIBUTARY_EVALUATION_LIST_QUALITY_H_

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "index/bundle/row.h"
#include "index/bundle/vector_table.h"

namespace tributary {

// Counts how often each item of the catalogue is shown. Add is thread-safe.
class Exposure {
 public:
  explicit Exposure(uint64_t n_items) : counts_(n_items) {}

  void Add(std::span<const Row> list);

  // The share of the catalogue that was shown at all.
  double Coverage() const;
  // Of the exposures over the catalogue: 0 when all items are shown equally
  // often, towards 1 when few have all of it. 0 when nothing was shown.
  double Gini() const;

 private:
  std::vector<std::atomic<uint32_t>> counts_;
};

// The mean self-information of the list's items in bits, -log2 of the share of
// users who had them, counting one more who had everything (Zhou et al. 2010).
// NaN for an empty list. `users` is by row.
double Novelty(std::span<const Row> list, std::span<const uint32_t> users,
               uint64_t n_users);

// 1 - the mean cosine of all pairs of the list's items (Ziegler et al. 2005);
// those without a vector, or with one of zeros, are left out. NaN for fewer
// than two.
double Diversity(std::span<const Row> list, const VectorTable& vectors);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_LIST_QUALITY_H_
