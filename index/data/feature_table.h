#ifndef TRIBUTARY_INDEX_DATA_FEATURE_TABLE_H_
#define TRIBUTARY_INDEX_DATA_FEATURE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/data/attribute_choice.h"
#include "index/data/attribute_data.h"
#include "index/data/column_kind.h"
#include "index/data/data_set.h"
#include "index/data/input_report.h"

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

  // Adds a column that is no feature, but an attribute of this type. `source`
  // names the file that it is from.
  size_t AddAttribute(std::string_view name, v1::AttributeType type,
                      std::string source);
  // States the type of the attribute that is made of a column's values.
  void SetAttributeType(size_t column, v1::AttributeType type);
  // Names the file that the columns are from, for errors.
  void SetSource(std::string name) { source_ = std::move(name); }

  // Sets a value, given as text. Latin-1 is converted to UTF-8.
  void Set(size_t column, uint32_t row, std::string_view value);
  // The same, also with "", after which the value is missing.
  void Replace(size_t column, uint32_t row, std::string_view value) {
    Value(column, row).clear();
    Set(column, row, value);
  }
  // The index of the column of this name, or else of the one whose attribute
  // has it.
  std::optional<size_t> Find(std::string_view name) const;
  // Whether values are taken as they are: kTokenSeparator separates categories.
  bool IsAsItIs(size_t column) const {
    return columns_[column].kind.has_value();
  }
  // Adds a category to a value of a kTokens column.
  void AddToken(size_t column, uint32_t row, std::string_view token);

  // Reads times as the input's time_format states: see stated_times.h. Columns
  // are stated to be times by the input's attributes or kinds; those that are
  // stated to be something else stay as they are. INVALID_ARGUMENT for a form
  // that does not exist.
  absl::Status ApplyTimeFormat(const v1::Input& input);

  // Notes the line that describes `row`. Returns the line that described it
  // before, if there was one, and keeps that.
  std::optional<uint64_t> SetLine(uint32_t row, uint64_t line);

  // Makes the attributes that `choice` states, takes over or leaves to be
  // recognised (see attribute_choice.h), with row i taken from order[i]. Adds
  // warnings to *report: of values that are not of a stated type, types that
  // were not taken over, and attributes beyond kMaxAttributes, which are left
  // out. Errors: NOT_FOUND for a stated column that does not exist, with the
  // name of one that does; INVALID_ARGUMENT for two columns that give one name,
  // and for more values than choice.max_misfits that are not of a stated type,
  // naming the first one and its line.
  absl::StatusOr<ItemAttributes> MakeAttributes(std::span<const uint32_t> order,
                                                const AttributeChoice& choice,
                                                InputReport* report);

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
    // The type of its attribute, if the data say.
    std::optional<v1::AttributeType> attribute;
    bool is_feature = true;
    // The file of this column, if it has one of its own.
    std::string source;
    // What it was recognised as.
    std::optional<ColumnReading> recognised;
  };
  // A column that becomes an attribute.
  struct ChosenColumn {
    const Column* column = nullptr;
    std::string name;
    AttributeForm form;
    bool stated = false;
  };

  static const ColumnReading& Recognise(Column* column);
  // The type of the attribute if nothing states it, and of the one that is
  // made, if there is one.
  static std::optional<v1::AttributeType> RecogniseType(Column* column);
  static std::optional<v1::AttributeType> ChooseType(
      Column* column, const AttributeChoice& choice, InputReport* report);
  // The index of the text column that the attribute kTitleAttribute is made of:
  // one called so, or else "name"; the number of columns where there is none.
  // Nobody filters by them, but people read them.
  size_t FindTitles(const AttributeChoice& choice);
  // Whether commas separate the column's tags.
  static bool CommasSeparate(Column* column, bool stated);
  absl::Status CheckStatedColumns(const AttributeChoice& choice) const;
  absl::StatusOr<std::vector<ChosenColumn>> ChooseAttributes(
      const AttributeChoice& choice, InputReport* report);
  absl::Status CheckMisfits(const ChosenColumn& chosen, const Misfits& misfits,
                            uint64_t present, std::span<const uint32_t> order,
                            const AttributeChoice& choice,
                            InputReport* report) const;
  std::string& Value(size_t column, uint32_t row);

  std::vector<Column> columns_;
  // By row: its line, from 1, or 0.
  std::vector<uint64_t> lines_;
  // The file that they are from, or "".
  std::string source_;
};

// Replaces each of `separators` in `value` with kTokenSeparator, and removes
// blanks around the categories.
std::string SplitTokens(std::string_view value, std::string_view separators);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_FEATURE_TABLE_H_
