#include "index/data/data_set_builder.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "index/data/feedback.h"
#include "status/status_macros.h"
#include "text/utf8.h"

namespace tributary {
namespace {

// More types are keys or texts in the wrong column.
constexpr size_t kMaxTypes = 1000;

}  // namespace

std::vector<Row> RowsOfNumbers(const std::vector<uint32_t>& order) {
  std::vector<Row> rows(order.size());
  for (size_t row = 0; row < order.size(); ++row) {
    rows[order[row]] = static_cast<Row>(row);
  }
  return rows;
}

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

KeyNumbers::Kinds KeyNumbers::CountKinds() const {
  Kinds kinds;
  uint64_t ignored = 0;
  for (const std::string& key : keys_) {
    if (ParseDecimalKey(key, &ignored)) continue;
    if (kinds.others++ == 0) kinds.other_example = key;
  }
  return kinds;
}

KeyList KeyNumbers::Sort(std::optional<v1::KeyKind> kind,
                         std::vector<uint32_t>* order) const {
  KeyList list;
  std::vector<uint64_t> ids(keys_.size());
  const bool integers =
      kind != v1::UTF8 &&
      std::all_of(keys_.begin(), keys_.end(),
                  [&, i = size_t{0}](const auto& key) mutable {
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

std::string_view DataSetBuilder::TypeProblem(std::string_view type) const {
  if (types_.size() < kMaxTypes || types_.contains(type)) return "";
  return "one more type of event than 1000";
}

std::string_view DataSetBuilder::AddInteraction(uint32_t user, uint32_t item,
                                                float value, int64_t time_s,
                                                std::string_view type) {
  if (const auto problem = TypeProblem(type); !problem.empty()) return problem;
  auto known = type.empty() ? types_.begin() : types_.find(type);
  if (known == types_.end()) {
    known = types_.emplace(type, static_cast<uint16_t>(types_.size())).first;
    type_names_.emplace_back(type);
  }
  records_.push_back({user, item, value, known->second, time_s});
  return "";
}

void DataSetBuilder::MoveRecords(DataSet* data) {
  std::stable_sort(
      records_.begin(), records_.end(), [](const Record& a, const Record& b) {
        return a.user != b.user ? a.user < b.user : a.time_s < b.time_s;
      });
  const bool has_values = std::ranges::any_of(
      records_, [](float value) { return !std::isnan(value) && value != 1; },
      &Record::value);
  const bool has_types = type_names_.size() > 1;
  data->interactions.reserve(records_.size());
  if (has_values) data->values.reserve(records_.size());
  if (has_types) data->types.reserve(records_.size());
  for (const Record& record : records_) {
    data->interactions.push_back(
        {record.user, record.item, 1,
         static_cast<uint32_t>(data->interactions.size()), record.time_s});
    if (has_values) data->values.push_back(record.value);
    if (has_types) data->types.push_back(record.type);
    data->has_times = data->has_times || record.time_s != 0;
  }
  if (has_types) data->type_names = std::move(type_names_);
  data->value_name = std::move(value_name);
  records_ = {};
}

DataSet DataSetBuilder::Finish() && {
  std::vector<uint32_t> item_order;
  std::vector<uint32_t> user_order;
  DataSet data;
  data.items = items.Sort(std::nullopt, &item_order);
  data.users = users.Sort(std::nullopt, &user_order);
  InputReport ignored;
  if (auto made = item_features.MakeAttributes(item_order, {}, &ignored);
      made.ok()) {
    data.attributes = *std::move(made);
  }
  MoveTo(&data, item_order, user_order);
  return data;
}

absl::StatusOr<DataSet> DataSetBuilder::Finish(
    std::optional<v1::KeyKind> item_kind, std::optional<v1::KeyKind> user_kind,
    const AttributeChoice* choice, std::vector<uint32_t>* item_order,
    std::vector<uint32_t>* user_order, InputReport* report) && {
  DataSet data;
  data.items = items.Sort(item_kind, item_order);
  data.users = users.Sort(user_kind, user_order);
  if (choice != nullptr) {
    ASSIGN_OR_RETURN(data.attributes, item_features.MakeAttributes(
                                          *item_order, *choice, report));
  }
  MoveTo(&data, *item_order, *user_order);
  return data;
}

void DataSetBuilder::MoveTo(DataSet* data,
                            const std::vector<uint32_t>& item_order,
                            const std::vector<uint32_t>& user_order) {
  data->item_features =
      std::move(item_features).Finish(item_order, &data->item_columns);
  data->user_features =
      std::move(user_features).Finish(user_order, &data->user_columns);
  const std::vector<Row> item_rows = RowsOfNumbers(item_order);
  const std::vector<Row> user_rows = RowsOfNumbers(user_order);
  for (Record& record : records_) {
    record.item = item_rows[record.item];
    record.user = user_rows[record.user];
  }
  MoveRecords(data);
  // Defaults cannot fail.
  ApplyFeedback({}, data).IgnoreError();
}

}  // namespace tributary
