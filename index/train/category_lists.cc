// Popularity by category of the items.
#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/data/feature_table.h"
#include "index/train/popularity.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Columns with fewer values tell nothing apart; columns with more hold names.
constexpr size_t kMinValues = 2;
constexpr size_t kMaxValues = 1000;
constexpr size_t kMaxCategories = 65535;
// An item's further categories, in order of their names, are not used when the
// item is in a history.
constexpr size_t kMaxPerItem = 32;

// Calls use(token) for each of the row's categories.
template <typename Use>
void ForEachToken(std::string_view tokens, const Use& use) {
  while (!tokens.empty()) {
    const size_t end = std::min(tokens.find(kTokenSeparator), tokens.size());
    if (end > 0) use(tokens.substr(0, end));
    tokens.remove_prefix(std::min(end + 1, tokens.size()));
  }
}

// The items of each category of the column, by the category's name.
using Members = std::map<std::string, std::vector<Row>>;

// Stops when there are more than kMaxValues.
Members FindMembers(const FeatureColumn& column) {
  Members members;
  for (Row item = 0; item < column.text.size(); ++item) {
    ForEachToken(column.text[item], [&](std::string_view token) {
      std::vector<Row>& rows =
          members[ListName(fmt::format("items-{}={}", column.name, token))];
      // Values with the same name are one category.
      if (rows.empty() || rows.back() != item) rows.push_back(item);
    });
    if (members.size() > kMaxValues) break;
  }
  return members;
}

absl::StatusOr<Members> FindAllMembers(const DataSet& data,
                                       const v1::Popularity& settings) {
  Members all;
  const auto& configured = settings.category_columns();
  for (const std::string& name : configured) {
    if (std::ranges::any_of(data.item_features, [&](const auto& column) {
          return column.name == name &&
                 column.kind == FeatureColumn::Kind::kTokens;
        })) {
      continue;
    }
    return absl::InvalidArgumentError(fmt::format(
        "popularity.category_columns: items have no column of categories {}",
        name));
  }
  for (const FeatureColumn& column : data.item_features) {
    if (column.kind != FeatureColumn::Kind::kTokens ||
        (!configured.empty() &&
         std::ranges::count(configured, column.name) == 0)) {
      continue;
    }
    Members members = FindMembers(column);
    if (members.size() >= kMinValues && members.size() <= kMaxValues) {
      all.merge(members);
    }
  }
  return all;
}

// The category's items by their share of its interactions, without items that
// have none. Takes time by the category's size, not the catalogue's.
CountedList MakeList(const std::string& name, uint16_t number,
                     const std::vector<Row>& rows,
                     const std::vector<double>& weights, double total) {
  CountedList list{.name = name, .category = number, .rows = {}, .scores = {}};
  std::ranges::copy_if(rows, std::back_inserter(list.rows),
                       [&](Row item) { return weights[item] > 0; });
  std::ranges::stable_sort(
      list.rows, [&](Row a, Row b) { return weights[a] > weights[b]; });
  for (const Row item : list.rows) {
    list.scores.push_back(static_cast<float>(weights[item] / total));
  }
  return list;
}

}  // namespace

absl::Status CountCategories(const DataSet& data,
                             const v1::Popularity& settings,
                             CountedPopularity* counted) {
  ASSIGN_OR_RETURN(const Members members, FindAllMembers(data, settings));
  std::vector<double> weights(data.items.size());
  std::vector<uint64_t> counts(data.items.size());
  for (const Interaction& interaction : data.interactions) {
    if (interaction.weight <= 0) continue;
    weights[interaction.item] += interaction.weight;
    ++counts[interaction.item];
  }
  std::vector<std::vector<uint16_t>> of_item(data.items.size());
  // A column of users may be named like "items-genre".
  std::set<std::string, std::less<>> taken;
  for (const CountedList& list : counted->lists) taken.insert(list.name);
  uint16_t number = 0;
  for (const auto& [name, rows] : members) {
    double total = 0;
    uint64_t count = 0;
    for (const Row item : rows) {
      total += weights[item];
      count += counts[item];
    }
    if (count == 0 || count < settings.min_category_interactions()) continue;
    if (taken.contains(name)) continue;
    if (number == kMaxCategories) break;
    ++number;
    for (const Row item : rows) {
      if (of_item[item].size() < kMaxPerItem) of_item[item].push_back(number);
    }
    counted->lists.push_back(MakeList(name, number, rows, weights, total));
  }
  for (const auto& numbers : of_item) {
    counted->category_width = std::max(counted->category_width,
                                       static_cast<uint32_t>(numbers.size()));
  }
  for (auto& numbers : of_item) {
    numbers.resize(counted->category_width);
    counted->categories.insert(counted->categories.end(), numbers.begin(),
                               numbers.end());
  }
  return absl::OkStatus();
}

}  // namespace tributary
