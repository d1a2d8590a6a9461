#include "index/train/history/history_data.h"

#include <algorithm>
#include <numeric>
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

// The positions of a history's items, of which the last `n` are chosen: the
// newest, or items chosen at random.
std::vector<size_t> ChooseLast(size_t items, size_t n, bool newest,
                               Random* random) {
  std::vector<size_t> positions(items);
  std::iota(positions.begin(), positions.end(), 0);
  if (newest) return positions;
  for (size_t i = 0; i < n; ++i) {
    const size_t left = items - i;
    std::swap(positions[random->Below(left)], positions[left - 1]);
  }
  return positions;
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
  histories.weights = std::move(all.weights);
  NumberItems(data.items.size(), &histories);
  return histories;
}

HistorySplit SplitHistories(const HistoryData& data, uint64_t seed) {
  HistorySplit split;
  Random random(seed);
  split.kept.counts.resize(data.item_count());
  split.kept.item_rows = data.item_rows;
  split.kept.has_times = data.has_times;
  for (size_t user = 0; user < data.user_count(); ++user) {
    const auto items = data.Of(user);
    const auto weights = data.WeightsOf(user);
    const size_t n = items.size() < kMinToSplit ? 0 : (items.size() + 9) / 10;
    const std::vector<size_t> positions =
        ChooseLast(items.size(), n, data.has_times, &random);
    std::vector<uint32_t>& held_out = split.held_out.emplace_back();
    for (size_t i = 0; i < positions.size(); ++i) {
      const uint32_t item = items[positions[i]];
      if (i + n >= positions.size()) {
        held_out.push_back(item);
        continue;
      }
      ++split.kept.counts[item];
      split.kept.items.push_back(item);
      if (!weights.empty()) split.kept.weights.push_back(weights[positions[i]]);
    }
    split.kept.offsets.push_back(split.kept.items.size());
  }
  return split;
}

}  // namespace tributary
