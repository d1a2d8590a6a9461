// The quality of lists besides hits: how much of the catalogue they show
// (coverage, Gini), how little known (novelty) and how different from one
// another (diversity) their items are.
#ifndef TRIBUTARY_EVALUATION_LIST_QUALITY_H_
#define TRIBUTARY_EVALUATION_LIST_QUALITY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "index/bundle/row.h"
#include "index/bundle/vector_table.h"
#include "index/filter/passing_items.h"

namespace tributary {

// Counts how often each item of the catalogue is shown. Under a filter, the
// catalogue is the items that pass: no list may show the others. Add is
// thread-safe.
class Exposure {
 public:
  // `passing`, which outlives this, is null without a filter.
  explicit Exposure(uint64_t n_items, const PassingItems* passing = nullptr)
      : counts_(n_items), passing_(passing) {}

  // Items that do not pass are passed over.
  void Add(std::span<const Row> list);

  // The share of the catalogue that was shown at all.
  double Coverage() const;
  // The Gini coefficient of exposures over the catalogue: 0 when all items are
  // shown equally often, near 1 when a few items get all of it. 0 when nothing
  // was shown.
  double Gini() const;

 private:
  bool IsCounted(size_t row) const {
    return passing_ == nullptr || passing_->Has(static_cast<Row>(row));
  }

  std::vector<std::atomic<uint32_t>> counts_;
  const PassingItems* const passing_;
};

// The mean self-information of the list's items in bits (Zhou et al. 2010):
// -log2((users[row] + 1) / (n_users + 1)), where users[row] is how many users
// had the item. None for an empty list.
std::optional<double> Novelty(std::span<const Row> list,
                              std::span<const uint32_t> users,
                              uint64_t n_users);

// 1 - the mean cosine of all pairs of the list's items (Ziegler et al. 2005).
// Items without a vector, or with a zero vector, do not count. None for fewer
// than two items.
std::optional<double> Diversity(std::span<const Row> list,
                                const VectorTable& vectors);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_LIST_QUALITY_H_
