#include "index/data/histories.h"

#include <algorithm>
#include <unordered_set>

namespace tributary {

Histories ListHistories(const DataSet& data, size_t max_items) {
  Histories histories;
  histories.offsets.push_back(0);
  const std::vector<Interaction>& all = data.interactions;
  std::unordered_set<Row> had;
  size_t begin = 0;
  for (Row user = 0; user < data.users.size(); ++user) {
    size_t end = begin;
    while (end < all.size() && all[end].user == user) ++end;
    const auto first = static_cast<int64_t>(histories.items.size());
    had.clear();
    for (size_t i = end; i > begin && had.size() < max_items; --i) {
      const Interaction& interaction = all[i - 1];
      if (interaction.value <= 0 || !had.insert(interaction.item).second) {
        continue;
      }
      histories.items.push_back(interaction.item);
      histories.times_s.push_back(interaction.time_s);
    }
    std::reverse(histories.items.begin() + first, histories.items.end());
    std::reverse(histories.times_s.begin() + first, histories.times_s.end());
    histories.offsets.push_back(histories.items.size());
    begin = end;
  }
  return histories;
}

ItemOccurrences ListOccurrences(const Histories& histories, size_t n_items) {
  ItemOccurrences item_occurrences;
  item_occurrences.offsets.assign(n_items + 1, 0);
  for (const Row item : histories.items) ++item_occurrences.offsets[item + 1];
  for (size_t i = 0; i < n_items; ++i) {
    item_occurrences.offsets[i + 1] += item_occurrences.offsets[i];
  }
  item_occurrences.occurrences.resize(histories.items.size());
  std::vector<uint64_t> next(item_occurrences.offsets.begin(),
                             item_occurrences.offsets.end() - 1);
  for (Row user = 0; user < histories.n_users(); ++user) {
    const auto items = histories.Of(user);
    for (uint32_t position = 0; position < items.size(); ++position) {
      item_occurrences.occurrences[next[items[position]]++] = {user, position};
    }
  }
  return item_occurrences;
}

}  // namespace tributary
