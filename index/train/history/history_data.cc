#include "index/train/history/history_data.h"

#include <algorithm>
#include <utility>

#include "index/data/histories.h"
#include "index/data/random.h"

namespace tributary {
namespace {

constexpr size_t kMinToSplit = 4;

// Replaces rows with numbers among the items that occur.
void NumberItems(size_t table_rows, HistoryData* data) {
  std::vector<uint32_t> counts(table_rows);
  for (const Row row : data->items) ++counts[row];
  std::vector<uint32_t> numbers(table_rows);
  for (Row row = 0; row < table_rows; ++row) {
    if (counts[row] == 0) continue;
    numbers[row] = static_cast<uint32_t>(data->item_rows.size());
    data->item_rows.push_back(row);
    data->counts.push_back(counts[row]);
  }
  for (uint32_t& item : data->items) item = numbers[item];
}

// Moves `n` items to the end: the newest, which are there already, or items
// chosen at random.
void ChooseLast(size_t n, bool newest, Random* random,
                std::vector<uint32_t>* items) {
  if (newest) return;
  for (size_t i = 0; i < n; ++i) {
    const size_t left = items->size() - i;
    std::swap((*items)[random->Below(left)], (*items)[left - 1]);
  }
}

}  // namespace

size_t LongestHistory(const HistoryData& data) {
  size_t longest = 0;
  for (size_t user = 0; user < data.user_count(); ++user) {
    longest = std::max(longest, data.Of(user).size());
  }
  return longest;
}

HistoryData MakeHistoryData(const DataSet& data, uint32_t max_items) {
  HistoryData histories;
  histories.has_times = data.has_times;
  Histories all = ListHistories(data, max_items);
  for (Row user = 0; user < all.n_users(); ++user) {
    if (!all.Of(user).empty()) {
      histories.offsets.push_back(all.offsets[user + 1]);
    }
  }
  histories.items = std::move(all.items);
  NumberItems(data.items.size(), &histories);
  return histories;
}

HistorySplit SplitHistories(const HistoryData& data, uint64_t seed) {
  HistorySplit split;
  Random random(seed);
  split.kept.counts.resize(data.item_count());
  split.kept.item_rows = data.item_rows;
  split.kept.has_times = data.has_times;
  std::vector<uint32_t> items;
  for (size_t user = 0; user < data.user_count(); ++user) {
    items.assign(data.Of(user).begin(), data.Of(user).end());
    const size_t n = items.size() < kMinToSplit ? 0 : (items.size() + 9) / 10;
    ChooseLast(n, data.has_times, &random, &items);
    split.held_out.emplace_back(items.end() - static_cast<int64_t>(n),
                                items.end());
    items.resize(items.size() - n);
    for (const uint32_t item : items) ++split.kept.counts[item];
    split.kept.items.insert(split.kept.items.end(), items.begin(), items.end());
    split.kept.offsets.push_back(split.kept.items.size());
  }
  return split;
}

}  // namespace tributary
