#ifndef TRIBUTARY_INDEX_DATA_HISTORIES_H_
#define TRIBUTARY_INDEX_DATA_HISTORIES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/bundle/row.h"
#include "index/data/data_set.h"

namespace tributary {

// The items that users wanted, from positive interactions. The items of user u
// are items[offsets[u]] to items[offsets[u + 1] - 1], newest last; each item
// once, at its last occurrence.
struct Histories {
  std::vector<uint64_t> offsets;
  std::vector<Row> items;
  // Parallel to items: seconds since 1970, or 0 where the data have no times.
  std::vector<int64_t> times_s;
  // Parallel to items: how much the user's interactions with the item weigh
  // together, over the mean of all items. Empty: all weigh the same.
  std::vector<float> weights;

  size_t n_users() const { return offsets.size() - 1; }
  std::span<const Row> Of(Row user) const {
    return std::span(items).subspan(offsets[user],
                                    offsets[user + 1] - offsets[user]);
  }
};

// Lists each user's newest `max_items` items. REQUIRES: interactions are
// ordered as in DataSet.
Histories ListHistories(const DataSet& data, size_t max_items);

// The occurrences of each item in the histories: those of item i are
// occurrences[offsets[i]] to occurrences[offsets[i + 1] - 1], by user.
struct ItemOccurrences {
  struct Occurrence {
    Row user;
    // The index in the user's history; 0 is the oldest item.
    uint32_t position;
  };
  std::vector<uint64_t> offsets;
  std::vector<Occurrence> occurrences;

  std::span<const Occurrence> Of(Row item) const {
    return std::span(occurrences)
        .subspan(offsets[item], offsets[item + 1] - offsets[item]);
  }
};
ItemOccurrences ListOccurrences(const Histories& histories, size_t n_items);

// What the item's occurrences weigh together, by item; their number, where all
// weigh the same.
std::vector<double> ItemWeights(const Histories& histories,
                                const ItemOccurrences& occurrences);

// Divides weights by the mean of those above 0, so that only their ratios
// matter; clears them when all are the same and above 0.
void NormaliseWeights(std::vector<float>* weights);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_HISTORIES_H_
