// Which columns of items become attributes, under which names and of which
// types.
#ifndef TRIBUTARY_INDEX_DATA_ATTRIBUTE_CHOICE_H_
#define TRIBUTARY_INDEX_DATA_ATTRIBUTE_CHOICE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "index/data/column_kind.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// What is known of attributes before the data are read.
struct AttributeChoice {
  // Input.attributes: types by the column's name; nothing for none.
  std::map<std::string, std::optional<v1::AttributeType>> stated;
  // The types in an earlier bundle, by the column's name. They hold for columns
  // that are not stated, if all values fit.
  std::map<std::string, v1::AttributeType> earlier;
  // How many values of a column, and which share of them, may be missing
  // because they are not of a stated type.
  uint64_t max_misfits = 0;
  double max_misfit_share = 0.5;
};

// The choice that the configuration states. INVALID_ARGUMENT for an unknown
// type, naming the column.
absl::StatusOr<AttributeChoice> StatedAttributes(const v1::Input& input,
                                                 uint64_t max_misfits,
                                                 double max_misfit_share);

// The name of the attribute that is made of a column: its letters in lower
// case, digits, and '_' for every other character; letters that are not of
// ASCII are such characters. '_' comes before a digit at the beginning. At most
// kMaxAttributeNameBytes. A name without letter and digit becomes
// column_<index>. The column's name is UTF-8.
std::string AttributeNameOf(std::string_view column, size_t index);

// The type that a column has by its values, if nothing states one:
//   bool      all values are true, false, yes, no, t, f, y, n, 1 or 0, in any
//             case; and one is a whole word, or both a true and a false one
//             occur
//   time      dates and times in ISO 8601; and numbers that are times (see
//             ParseTimeMs) if the column's name says so, as created_at does
//   integer   whole numbers that int64 can hold; also keys, as of brand_id, but
//             for those with zeros at the front
//   number    other numbers
//   tags      what is read as tags for training (see RecogniseColumn)
//   category  what is read as a category for training
// Text, ids and addresses that all differ, and columns without a value, give no
// attribute; FeatureTable makes one of titles all the same. `kind` is what
// RecogniseColumn says.
std::optional<v1::AttributeType> RecogniseAttribute(
    std::string_view name, ColumnKind kind,
    std::span<const std::string> values);

// The same for a column whose kind Input.kinds states: time, if all values are
// times; number, which is integer if all values are whole numbers; category;
// tags. None for text and ignore.
std::optional<v1::AttributeType> AttributeOfStatedKind(
    ColumnKind kind, std::span<const std::string> values);

// The same for a column that a data set says to hold categories (a token of
// RecBole's): bool, integer or else category, as RecogniseAttribute says; none
// if there are ten values or more, and all differ.
std::optional<v1::AttributeType> AttributeOfTokens(
    std::span<const std::string> values);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_ATTRIBUTE_CHOICE_H_
