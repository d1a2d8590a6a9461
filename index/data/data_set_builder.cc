#include "index/data/data_set_builder.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "index/data/parse_field.h"
#include "index/data/utf8.h"

namespace tributary {
namespace {

// Inverts the order: from order[row] = number to result[number] = row.
std::vector<Row> Inverse(const std::vector<uint32_t>& order) {
  std::vector<Row> rows(order.size());
  for (size_t row = 0; row < order.size(); ++row) {
    rows[order[row]] = static_cast<Row>(row);
  }
  return rows;
}

}  // namespace

std::string_view KeyProblem(std::string_view key) {
  if (key.empty()) return "empty key";
  return IsUtf8(key) ? "" : "a key that is not UTF-8";
}

uint32_t KeyNumbers::Add(std::string_view key) {
  const auto found = numbers_.find(key);
  if (found != numbers_.end()) return found->second;
  const std::string& kept = keys_.emplace_back(key);
  const auto number = static_cast<uint32_t>(keys_.size() - 1);
  numbers_.emplace(kept, number);
  return number;
}

std::optional<uint32_t> KeyNumbers::Find(std::string_view key) const {
  const auto found = numbers_.find(key);
  if (found == numbers_.end()) return std::nullopt;
  return found->second;
}

KeyList KeyNumbers::Sort(std::vector<uint32_t>* order) const {
  KeyList list;
  std::vector<uint64_t> ids(keys_.size());
  const bool integers = std::all_of(
      keys_.begin(), keys_.end(), [&, i = size_t{0}](const auto& key) mutable {
        return ParseDecimalKey(key, &ids[i++]);
      });
  list.kind = integers ? v1::UINT64 : v1::UTF8;
  order->resize(keys_.size());
  std::iota(order->begin(), order->end(), 0);
  std::sort(order->begin(), order->end(), [&](uint32_t a, uint32_t b) {
    return integers ? ids[a] < ids[b] : keys_[a] < keys_[b];
  });
  for (const uint32_t number : *order) {
    if (integers) {
      list.ids.push_back(ids[number]);
    } else {
      list.strings.push_back(keys_[number]);
    }
  }
  return list;
}

std::string_view DataSetBuilder::AddInteraction(std::string_view user,
                                                std::string_view item,
                                                std::string_view value,
                                                std::string_view time) {
  if (const auto problem = KeyProblem(user); !problem.empty()) return problem;
  if (const auto problem = KeyProblem(item); !problem.empty()) return problem;
  const std::optional<double> number = value.empty() ? 1.0 : ParseNumber(value);
  if (!number || !std::isfinite(static_cast<float>(*number))) {
    return "the value is not a finite number";
  }
  const std::optional<int64_t> time_s = time.empty() ? 0 : ParseTime(time);
  if (!time_s) return "the time is neither a number nor ISO 8601";
  AddInteraction(users.Add(user), items.Add(item), static_cast<float>(*number),
                 *time_s);
  return "";
}

void DataSetBuilder::AddInteraction(uint32_t user, uint32_t item, float value,
                                    int64_t time_s) {
  interactions_.push_back({user, item, value, time_s});
}

DataSet DataSetBuilder::Finish(std::vector<uint32_t>* item_order,
                               std::vector<uint32_t>* user_order) && {
  std::vector<uint32_t> orders[2];
  if (item_order == nullptr) item_order = &orders[0];
  if (user_order == nullptr) user_order = &orders[1];
  DataSet data;
  data.items = items.Sort(item_order);
  data.users = users.Sort(user_order);
  data.item_features = std::move(item_features).Finish(*item_order);
  data.user_features = std::move(user_features).Finish(*user_order);
  const std::vector<Row> item_rows = Inverse(*item_order);
  const std::vector<Row> user_rows = Inverse(*user_order);
  for (Interaction& interaction : interactions_) {
    interaction.item = item_rows[interaction.item];
    interaction.user = user_rows[interaction.user];
    data.has_times = data.has_times || interaction.time_s != 0;
  }
  data.interactions = std::move(interactions_);
  std::stable_sort(data.interactions.begin(), data.interactions.end(),
                   [](const Interaction& a, const Interaction& b) {
                     return a.user != b.user ? a.user < b.user
                                             : a.time_s < b.time_s;
                   });
  return data;
}

}  // namespace tributary
