#ifndef TRIBUTARY_INDEX_DATA_FEATURE_TABLE_H_
#define TRIBUTARY_INDEX_DATA_FEATURE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/data/column_kind.h"
#include "index/data/data_set.h"

namespace tributary {

// The separator of categories in a DataSet's kTokens columns.
inline constexpr char kTokenSeparator = '\x1f';
// The separators of categories in a csv field.
inline constexpr std::string_view kListSeparators = "|;";

// Collects feature columns before the order of rows is known. Not thread-safe.
class FeatureTable {
 public:
  // Adds a column and returns its index. A name that is not UTF-8 is converted
  // from latin-1, as values are. Without a kind, Finish recognises it from the
  // values (see RecogniseColumn). With one, values are taken as they are.
  size_t AddColumn(std::string_view name,
                   std::optional<FeatureColumn::Kind> kind);
  // The same for a column whose values are text of a kind that was stated.
  size_t AddColumnOf(std::string_view name, ColumnKind stated);

  // Sets a value, given as text. Latin-1 is converted to UTF-8.
  void Set(size_t column, uint32_t row, std::string_view value);
  // Adds a category to a value of a kTokens column.
  void AddToken(size_t column, uint32_t row, std::string_view token);

  // Notes the line that describes `row`. Returns the line that described it
  // before, if there was one, and keeps that.
  std::optional<uint64_t> SetLine(uint32_t row, uint64_t line);

  // Returns the columns, with row i taken from order[i]; those that are to be
  // ignored are not among them. Numbers that are infinite count as missing.
  // Adds what was found of each column to *reports, unless null.
  std::vector<FeatureColumn> Finish(
      std::span<const uint32_t> order,
      std::vector<ColumnReport>* reports = nullptr) &&;

 private:
  struct Column {
    std::string name;
    std::optional<FeatureColumn::Kind> kind;
    std::optional<ColumnKind> stated;
    std::vector<std::string> values;
  };

  std::string& Value(size_t column, uint32_t row);

  std::vector<Column> columns_;
  // By row: its line, from 1, or 0.
  std::vector<uint64_t> lines_;
};

// Replaces each of `separators` in `value` with kTokenSeparator, and removes
// blanks around the categories.
std::string SplitTokens(std::string_view value, std::string_view separators);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_FEATURE_TABLE_H_
