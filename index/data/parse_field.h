#ifndef TRIBUTARY_INDEX_DATA_PARSE_FIELD_H_
#define TRIBUTARY_INDEX_DATA_PARSE_FIELD_H_

#include <optional>
#include <string_view>

namespace tributary {

// `text` without leading and trailing blanks.
std::string_view Trim(std::string_view text);

// Parses all of `text` as a decimal number; also accepts "nan" and "inf".
std::optional<double> ParseNumber(std::string_view text);

// Whether the text is what programs write for a missing value: "null", "none",
// "nan", "n/a", "na", "-" and the like, in any case.
bool IsMissingMarker(std::string_view text);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_PARSE_FIELD_H_
