#ifndef TRIBUTARY_INDEX_DATA_FEATURE_TABLE_H_
#define TRIBUTARY_INDEX_DATA_FEATURE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/data/data_set.h"

namespace tributary {

// The separator of categories in a DataSet's kTokens columns.
inline constexpr char kTokenSeparator = '\x1f';
// What separates the categories of a csv field.
inline constexpr std::string_view kListSeparators = "|;";

// Collects feature columns while rows have no order yet. Not thread-safe.
class FeatureTable {
 public:
  // Returns the new column's place. Without a kind it is found from the values
  // (see Finish).
  size_t AddColumn(std::string_view name,
                   std::optional<FeatureColumn::Kind> kind);

  // Sets a value, in the form that its kind has as text; latin-1 is converted.
  void Set(size_t column, uint32_t row, std::string_view value);
  // Adds a category to a value of kind kTokens.
  void AddToken(size_t column, uint32_t row, std::string_view token);

  // The columns, with row i taken from order[i]. Columns without a kind become
  // numbers if every value is one; tokens, split at '|' or ';', if the name
  // ends in "s" and values have such separators; tokens if there are few
  // different values; else text. Infinite numbers count as missing.
  std::vector<FeatureColumn> Finish(std::span<const uint32_t> order) &&;

 private:
  struct Column {
    std::string name;
    std::optional<FeatureColumn::Kind> kind;
    std::vector<std::string> values;
  };

  std::string& Value(size_t column, uint32_t row);

  std::vector<Column> columns_;
};

// `value` with each of `separators` turned into kTokenSeparator, and blanks
// around the categories removed.
std::string SplitTokens(std::string_view value, std::string_view separators);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_FEATURE_TABLE_H_
