#include "index/data/feature_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>
#include <utility>

#include "index/data/parse_field.h"
#include "index/data/utf8.h"

namespace tributary {
namespace {

using Kind = FeatureColumn::Kind;

// A column whose values occur this often on average has categories.
constexpr size_t kUsesOfCategory = 5;

Kind GuessKind(std::string_view name, const std::vector<std::string>& values) {
  bool numbers = true;
  bool lists = false;
  size_t present = 0;
  std::unordered_set<std::string_view> different;
  for (const std::string& value : values) {
    if (value.empty()) continue;
    ++present;
    numbers = numbers && ParseNumber(value).has_value();
    lists = lists || value.find_first_of(kListSeparators) != std::string::npos;
    different.insert(value);
  }
  if (present > 0 && numbers) return Kind::kNumber;
  if (lists && name.ends_with('s')) return Kind::kTokens;
  return different.size() * kUsesOfCategory <= present ? Kind::kTokens
                                                       : Kind::kText;
}

float NumberOf(std::string_view value) {
  const std::optional<double> number = ParseNumber(value);
  const auto narrow = static_cast<float>(number.value_or(NAN));
  return std::isfinite(narrow) ? narrow
                               : std::numeric_limits<float>::quiet_NaN();
}

}  // namespace

std::string SplitTokens(std::string_view value, std::string_view separators) {
  std::string tokens;
  while (!value.empty()) {
    const size_t end = std::min(value.find_first_of(separators), value.size());
    const std::string_view token = Trim(value.substr(0, end));
    if (!token.empty()) {
      if (!tokens.empty()) tokens += kTokenSeparator;
      tokens += token;
    }
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return tokens;
}

size_t FeatureTable::AddColumn(std::string_view name,
                               std::optional<Kind> kind) {
  columns_.push_back({std::string(name), kind, {}});
  return columns_.size() - 1;
}

std::string& FeatureTable::Value(size_t column, uint32_t row) {
  std::vector<std::string>& values = columns_[column].values;
  if (row >= values.size()) {
    values.resize(std::max<size_t>(row + 1, values.size() * 3 / 2));
  }
  return values[row];
}

void FeatureTable::Set(size_t column, uint32_t row, std::string_view value) {
  if (!value.empty()) Value(column, row) = ToUtf8(value);
}

void FeatureTable::AddToken(size_t column, uint32_t row,
                            std::string_view token) {
  if (token.empty()) return;
  std::string& value = Value(column, row);
  if (!value.empty()) value += kTokenSeparator;
  value += ToUtf8(token);
}

std::vector<FeatureColumn> FeatureTable::Finish(
    std::span<const uint32_t> order) && {
  std::vector<FeatureColumn> finished;
  for (Column& column : columns_) {
    const bool guessed = !column.kind.has_value();
    FeatureColumn& out = finished.emplace_back();
    out.name = std::move(column.name);
    out.kind = guessed ? GuessKind(out.name, column.values) : *column.kind;
    column.values.resize(std::max(column.values.size(), order.size()));
    for (const uint32_t row : order) {
      std::string& value = column.values[row];
      if (out.kind == Kind::kNumber) {
        out.numbers.push_back(NumberOf(value));
      } else if (guessed && out.kind == Kind::kTokens) {
        out.text.push_back(SplitTokens(value, kListSeparators));
      } else {
        out.text.push_back(std::move(value));
      }
    }
  }
  return finished;
}

}  // namespace tributary
