#include "index/data/histories.h"

#include <algorithm>
#include <unordered_map>

namespace tributary {

Histories ListHistories(const DataSet& data, size_t max_items) {
  Histories histories;
  histories.offsets.push_back(0);
  const std::vector<Interaction>& all = data.interactions;
  // The position of each item that the user had, from the newest.
  std::unordered_map<Row, size_t> had;
  size_t begin = 0;
  for (Row user = 0; user < data.users.size(); ++user) {
    size_t end = begin;
    while (end < all.size() && all[end].user == user) ++end;
    const size_t first = histories.items.size();
    had.clear();
    for (size_t i = end; i > begin; --i) {
      const Interaction& interaction = all[i - 1];
      if (interaction.weight <= 0) continue;
      if (had.size() == max_items && !had.contains(interaction.item)) continue;
      const auto [place, is_new] = had.emplace(interaction.item, had.size());
      if (!is_new) {
        histories.weights[first + place->second] += interaction.weight;
        continue;
      }
      histories.items.push_back(interaction.item);
      histories.times_s.push_back(interaction.time_s);
      histories.weights.push_back(interaction.weight);
    }
    const auto offset = static_cast<int64_t>(first);
    std::reverse(histories.items.begin() + offset, histories.items.end());
    std::reverse(histories.times_s.begin() + offset, histories.times_s.end());
    std::reverse(histories.weights.begin() + offset, histories.weights.end());
    histories.offsets.push_back(histories.items.size());
    begin = end;
  }
  NormaliseWeights(&histories.weights);
  return histories;
}

void NormaliseWeights(std::vector<float>* weights) {
  double sum = 0;
  uint64_t count = 0;
  bool equal = true;
  for (const float weight : *weights) {
    equal = equal && weight == weights->front() && weight > 0;
    if (weight <= 0) continue;
    sum += weight;
    ++count;
  }
  if (equal || count == 0) {
    *weights = {};
    return;
  }
  const double mean = sum / static_cast<double>(count);
  for (float& weight : *weights) weight = static_cast<float>(weight / mean);
}

std::vector<double> ItemWeights(const Histories& histories,
                                const ItemOccurrences& occurrences) {
  std::vector<double> weights;
  for (Row item = 0; item + 1 < occurrences.offsets.size(); ++item) {
    const auto of_item = occurrences.Of(item);
    double& weight = weights.emplace_back(static_cast<double>(of_item.size()));
    if (histories.weights.empty()) continue;
    weight = 0;
    for (const auto& [user, position] : of_item) {
      weight += histories.weights[histories.offsets[user] + position];
    }
  }
  return weights;
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
