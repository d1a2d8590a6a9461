// What a column of features is read as: stated, or recognised from its name and
// values.
#ifndef TRIBUTARY_INDEX_DATA_COLUMN_KIND_H_
#define TRIBUTARY_INDEX_DATA_COLUMN_KIND_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tributary {

enum class ColumnKind {
  kNumber,
  // A number, too: of seconds since 1970, or in the unit of the numbers that
  // the column has.
  kTime,
  // One category.
  kCategory,
  // Any number of categories.
  kTags,
  // Free text, of which the words count.
  kText,
  kIgnored,
};

// The kind's name in v1::Input.kinds: number, time, category, tags, text or
// ignore.
std::string_view ColumnKindName(ColumnKind kind);
// INVALID_ARGUMENT for any other name, which lists those there are.
absl::StatusOr<ColumnKind> ParseColumnKind(std::string_view name);

// What was found of a column, for people.
struct ColumnReport {
  std::string name;
  ColumnKind kind = ColumnKind::kText;
  // Whether the kind was stated, not recognised.
  bool stated = false;
  // The first value that is not missing; "" if there is none.
  std::string example;
  // Values that are there, and rows without one.
  uint64_t present = 0;
  uint64_t missing = 0;
  // Why the column is read so, or what is odd about it, in words; may be empty.
  std::string note;
};

// How a column's values are to be read.
struct ColumnReading {
  ColumnKind kind = ColumnKind::kText;
  // Whether commas separate the tags. '|' and ';' always do.
  bool commas = false;
  std::string note;
};

// Recognises what a column is read as. Rows without value are empty strings or
// markers of what is missing. In this order:
//   ignore    no value; or no name ("" or "Unnamed: 0") and integers that all
//             differ, as a table's index has; or integers that all differ in a
//             column whose name is that of a key ("brand_id"); or addresses of
//             web pages, or single words with digits, that all differ
//   category  integers in a column whose name is that of a key or of a class,
//             if some occur twice
//   time      numbers that can be times, if the name says so ("created_at");
//             or dates and times in ISO 8601
//   number    numbers
//   tags      lists in brackets as Python, JSON and NumPy write them; values
//             with '|' or ';' if the column's name ends in "s" or the parts
//             occur five times on average; values with commas if the parts,
//             which are short, do and are fewer than the values
//   category  values that occur five times on average
//   text      otherwise
ColumnReading RecogniseColumn(std::string_view name,
                              std::span<const std::string> values);

// Whether a column of this name has times, as "created_at" and "releaseDate".
bool NamesATime(std::string_view name);

// Whether `value` is a way to write that nothing is known: empty, "N/A", "nan",
// "null" and the like. Of numbers and times also "NA", "None", "-" and "?",
// which may be categories elsewhere.
bool IsMissing(std::string_view value, bool of_numbers);

// A number of a column of numbers or times: a finite decimal number, or ISO
// 8601 as seconds since 1970. NaN for what is missing or infinite, nothing for
// what is neither.
std::optional<float> ReadNumber(std::string_view value);

// The tags of a field, separated by kTokenSeparator: the elements of a list in
// brackets, or the parts between '|', ';' and, if they count, commas.
std::string ReadTags(std::string_view value, bool commas);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_COLUMN_KIND_H_
