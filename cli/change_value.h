#ifndef TRIBUTARY_CLI_CHANGE_VALUE_H_
#define TRIBUTARY_CLI_CHANGE_VALUE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/struct.pb.h"

namespace tributary {

// What a text on a command line, or a field of a CSV file, says of an
// attribute: true and false; null, which clears it; a number; a list of texts,
// with | between them (a list of one ends with |); anything else, and anything
// between double quotes, as JSON writes it, is a text. So are numbers that a
// double does not hold as they are written: 007, and integers from 2^53 on.
google::protobuf::Value ParseChangeValue(std::string_view text);

// The inverse, for people.
std::string FormatChangeValue(const google::protobuf::Value& value);

// Splits NAME=VALUE and adds it. INVALID_ARGUMENT, naming `flag`, when there is
// no name or no "=", or the name was there before.
absl::Status AddChangeValue(std::string_view flag, std::string_view text,
                            google::protobuf::Struct* values);

// A time in milliseconds since 1970: RFC 3339, such as
// 2026-12-31T18:00:00+01:00; a date, at whose beginning in UTC it is; or
// "never", which is 0. INVALID_ARGUMENT, beginning with `path`, for anything
// else and for times before 1970.
absl::StatusOr<int64_t> ParseChangeTime(std::string_view path,
                                        std::string_view text);

// The time in UTC; "never" for 0.
std::string FormatChangeTime(int64_t ms);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_CHANGE_VALUE_H_
