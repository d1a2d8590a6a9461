// Single values of attributes, as people write them.
#ifndef TRIBUTARY_INDEX_DATA_ATTRIBUTE_VALUE_H_
#define TRIBUTARY_INDEX_DATA_ATTRIBUTE_VALUE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// The type that v1::Input.attributes names: bool, category, tags, integer,
// number or time; nothing for none. INVALID_ARGUMENT for any other name, which
// lists those there are.
absl::StatusOr<std::optional<v1::AttributeType>> ParseAttributeType(
    std::string_view name);

// Each parses one value without blanks around it, and returns nothing for what
// is no such value.
//
// BOOLEAN: true, false, yes, no, t, f, y, n, 1 or 0, in any case.
std::optional<bool> ParseFlag(std::string_view text);
// INTEGER: decimal digits, with or without '-', from -2^63 to 2^63 - 1. Zeros
// after a point do not matter, because spreadsheets and pandas write 12.0.
std::optional<int64_t> ParseInteger(std::string_view text);
// NUMBER: a finite decimal number. The result is never -0.
std::optional<double> ParseFiniteNumber(std::string_view text);
// TIME: see ParseTimeMs in time_reading.h.

// Whether `value` says that nothing is known: as IsMissing of column_kind.h
// says for the type, an infinite number, and 0 for a time.
bool IsMissingAttribute(v1::AttributeType type, std::string_view value);

// Whether `value` is a value of the type, or says that nothing is known. Every
// text is one of CATEGORY and TAGS.
bool FitsAttribute(v1::AttributeType type, std::string_view value);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_ATTRIBUTE_VALUE_H_
