#include "cli/change_value.h"

#include <charconv>
#include <cmath>
#include <system_error>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "status/field_error.h"
#include "text/quoted.h"

namespace tributary {
namespace {

using google::protobuf::Value;

// From here on, doubles do not have every integer.
constexpr double kInexactIntegers = 9007199254740992;
constexpr size_t kMaxPrinted = 200;

// Whether the text is a number that a double has, written as JSON would.
bool ParseAsNumber(std::string_view text, double* number) {
  std::string_view digits = text;
  if (digits.starts_with('-')) digits.remove_prefix(1);
  if (digits.empty() || digits[0] < '0' || digits[0] > '9') return false;
  // A key or a code rather than a number.
  const bool leading_zero = digits.size() > 1 && digits[0] == '0' &&
                            digits[1] >= '0' && digits[1] <= '9';
  if (leading_zero) return false;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *number);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  const bool is_integer = text.find_first_of(".eE") == std::string_view::npos;
  return std::isfinite(*number) &&
         (!is_integer || std::abs(*number) < kInexactIntegers);
}

// Whether the text is a JSON text.
bool ParseAsJsonText(std::string_view text, Value* value) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') {
    return false;
  }
  return google::protobuf::util::JsonStringToMessage({text.data(), text.size()},
                                                     value)
             .ok() &&
         value->kind_case() == Value::kStringValue;
}

void ParseAsList(std::string_view text, Value* value) {
  auto& list = *value->mutable_list_value();
  while (!text.empty()) {
    const size_t end = std::min(text.find('|'), text.size());
    list.add_values()->set_string_value(std::string(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

Value ParseChangeValue(std::string_view text) {
  Value value;
  double number = 0;
  if (text == "true" || text == "false") {
    value.set_bool_value(text == "true");
  } else if (text == "null") {
    value.set_null_value(google::protobuf::NULL_VALUE);
  } else if (ParseAsNumber(text, &number)) {
    value.set_number_value(number);
  } else if (ParseAsJsonText(text, &value)) {
    return value;
  } else if (text == "|") {
    // No tags at all.
    value.mutable_list_value();
  } else if (text.find('|') != std::string_view::npos) {
    ParseAsList(text, &value);
  } else {
    value.set_string_value(std::string(text));
  }
  return value;
}

std::string FormatChangeValue(const Value& value) {
  switch (value.kind_case()) {
    case Value::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case Value::kNumberValue:
      return fmt::format("{}", value.number_value());
    case Value::kStringValue: {
      // As it would have to be given.
      const std::string& text = value.string_value();
      const bool as_it_is =
          ParseChangeValue(text).kind_case() == Value::kStringValue &&
          text.find_first_of(" \"\\") == std::string::npos && !text.empty();
      return as_it_is ? Printable(text, kMaxPrinted)
                      : Quoted(text, kMaxPrinted);
    }
    case Value::kListValue: {
      std::string tags;
      for (const Value& tag : value.list_value().values()) {
        if (!tags.empty()) tags += '|';
        tags += Printable(tag.string_value(), kMaxPrinted);
      }
      return value.list_value().values_size() < 2 ? tags + '|' : tags;
    }
    case Value::kNullValue:
    case Value::kStructValue:
    case Value::KIND_NOT_SET:
      break;
  }
  return "null";
}

absl::Status AddChangeValue(std::string_view flag, std::string_view text,
                            google::protobuf::Struct* values) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return absl::InvalidArgumentError(fmt::format(
        "{} {}: expected NAME=VALUE, as in price=12.5", flag, Quoted(text)));
  }
  const std::string name(text.substr(0, equals));
  if (values->fields().contains(name)) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {} is given twice", flag, Quoted(name)));
  }
  (*values->mutable_fields())[name] = ParseChangeValue(text.substr(equals + 1));
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ParseChangeTime(std::string_view path,
                                        std::string_view text) {
  if (text == "never") return 0;
  const absl::string_view given(text.data(), text.size());
  absl::Time time;
  std::string error;
  if ((absl::ParseTime(absl::RFC3339_full, given, &time, &error) ||
       absl::ParseTime("%Y-%m-%d", given, absl::UTCTimeZone(), &time,
                       &error)) &&
      absl::ToUnixMillis(time) > 0 && time != absl::InfiniteFuture()) {
    return absl::ToUnixMillis(time);
  }
  return FieldError(path,
                    "{} is not a time: expected one such as "
                    "2026-12-31T18:00:00Z, a date such as 2026-12-31, or never",
                    Quoted(text));
}

std::string FormatChangeTime(int64_t ms) {
  if (ms == 0) return "never";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixMillis(ms),
                          absl::UTCTimeZone());
}

}  // namespace tributary
