#ifndef TRIBUTARY_INDEX_DATA_PARSE_FIELD_H_
#define TRIBUTARY_INDEX_DATA_PARSE_FIELD_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace tributary {

// `text` without leading and trailing blanks.
std::string_view Trim(std::string_view text);

// Parses all of `text` as a decimal number; also accepts "nan" and "inf".
std::optional<double> ParseNumber(std::string_view text);

// Parses a time to seconds since 1970: a number of seconds or, from 10^11 on,
// of milliseconds; or ISO 8601 ("2026-01-31", "2026-01-31T12:00:00.5+01:00",
// with 'T' or a blank; UTC where no zone is given).
std::optional<int64_t> ParseTime(std::string_view text);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_PARSE_FIELD_H_
