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
// The separators of categories in a csv field.
inline constexpr std::string_view kListSeparators = "|;";

// Collects feature columns before the order of rows is known. Not thread-safe.
class FeatureTable {
 public:
  // Returns the new column's index. Without a kind, Finish finds it from the
  // values.
  size_t AddColumn(std::string_view name,
                   std::optional<FeatureColumn::Kind> kind);

  // Sets a value, given as text. Latin-1 is converted to UTF-8.
  void Set(size_t column, uint32_t row, std::string_view value);
  // Adds a category to a value of a kTokens column.
  void AddToken(size_t column, uint32_t row, std::string_view token);

  // Returns the columns, with row i taken from order[i]. A column without a
  // kind becomes
  //   numbers   if every value is a number (infinities count as missing);
  //   tokens    if its name ends in "s" and values contain '|' or ';', at which
  //             they are split, or if it has few distinct values;
  //   text      otherwise.
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

// Replaces each of `separators` in `value` with kTokenSeparator, and removes
// blanks around the categories.
std::string SplitTokens(std::string_view value, std::string_view separators);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_FEATURE_TABLE_H_
