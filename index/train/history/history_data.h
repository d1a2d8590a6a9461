#ifndef TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_DATA_H_
#define TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_DATA_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/bundle/row.h"
#include "index/data/data_set.h"

namespace tributary {

// Histories as the history tower is trained on them: positive interactions
// only, each item of a user once, at its last occurrence, and
// the newest `max_items` of them. Users and items are numbered among those that
// have any.
struct HistoryData {
  // User u's items are items[offsets[u]] to items[offsets[u + 1]], newest last.
  std::vector<uint64_t> offsets = {0};
  std::vector<uint32_t> items;
  // Parallel to items: see Histories.weights. Empty: all are 1.
  std::vector<float> weights;
  // How many histories an item is in: above 0, unless its interactions were
  // held out.
  std::vector<uint32_t> counts;
  // The rows of the data set; ascending.
  std::vector<Row> item_rows;
  // If false, the order within a history is arbitrary.
  bool has_times = false;

  size_t user_count() const { return offsets.size() - 1; }
  size_t item_count() const { return item_rows.size(); }
  std::span<const uint32_t> Of(size_t user) const {
    return std::span(items).subspan(offsets[user],
                                    offsets[user + 1] - offsets[user]);
  }
  // Empty where all are 1.
  std::span<const float> WeightsOf(size_t user) const {
    if (weights.empty()) return {};
    return std::span(weights).subspan(offsets[user],
                                      offsets[user + 1] - offsets[user]);
  }
};

size_t LongestHistory(const HistoryData& data);

HistoryData MakeHistoryData(const DataSet& data, uint32_t max_items);

// Moves a tenth of the items, rounded up, of each user with at least 4 items to
// `held_out`: the newest where there are times, else items chosen by `seed`.
// Items keep their numbers.
struct HistorySplit {
  HistoryData kept;
  // By user, ascending; empty for the others.
  std::vector<std::vector<uint32_t>> held_out;
};
HistorySplit SplitHistories(const HistoryData& data, uint64_t seed);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_DATA_H_
