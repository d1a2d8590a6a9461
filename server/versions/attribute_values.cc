#include "server/versions/attribute_values.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "index/filter/attribute_time.h"
#include "text/quoted.h"
#include "text/utf8.h"

namespace tributary {
namespace {

using google::protobuf::Value;

constexpr size_t kShownBytes = 64;
// No whole number from here on is exact as a double.
constexpr double kExactBelow = 0x1p53;

const char* ExpectedOf(v1::AttributeType type) {
  switch (type) {
    case v1::BOOLEAN:
      return "true or false";
    case v1::INTEGER:
      return "a whole number, such as 12, or one as a text";
    case v1::NUMBER:
      return "a finite number, such as 49.9";
    case v1::TIME:
      return "a time as a text, such as \"2026-11-30T12:00:00Z\" or "
             "\"2026-11-30\"";
    case v1::TAGS:
      return "a list of texts";
    default:
      return "a text";
  }
}

std::string Shown(const Value& value) {
  switch (value.kind_case()) {
    case Value::kNumberValue:
      return fmt::format("{}", value.number_value());
    case Value::kStringValue:
      return Quoted(value.string_value(), kShownBytes);
    case Value::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case Value::kListValue:
      return "a list";
    case Value::kStructValue:
      return "an object";
    default:
      return "nothing";
  }
}

template <typename Number>
std::optional<Number> ParseWhole(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::optional<bool> FlagIn(const Value& value) {
  if (value.has_bool_value()) return value.bool_value();
  if (value.string_value() == "true") return true;
  if (value.string_value() == "false") return false;
  return std::nullopt;
}

std::optional<int64_t> IntegerIn(const Value& value) {
  if (value.has_string_value()) {
    return ParseWhole<int64_t>(value.string_value());
  }
  if (!value.has_number_value()) return std::nullopt;
  const double number = value.number_value();
  if (std::floor(number) != number || std::abs(number) > kExactBelow) {
    return std::nullopt;
  }
  return static_cast<int64_t>(number);
}

std::optional<double> NumberIn(const Value& value) {
  std::optional<double> number;
  if (value.has_string_value()) {
    number = ParseWhole<double>(value.string_value());
  } else if (value.has_number_value()) {
    number = value.number_value();
  }
  if (!number.has_value() || !std::isfinite(*number)) return std::nullopt;
  // Dictionaries have no -0.
  return *number + 0.0;
}

std::optional<std::string> TextIn(const Value& value) {
  std::optional<std::string> text;
  if (value.has_string_value()) {
    text = value.string_value();
  } else if (value.has_bool_value()) {
    text = value.bool_value() ? "true" : "false";
  } else if (const auto whole = IntegerIn(value); whole.has_value()) {
    text = fmt::format("{}", *whole);
  }
  if (text.has_value() && !IsUtf8(*text)) return std::nullopt;
  return text;
}

std::optional<std::vector<std::string>> TagsIn(const Value& value) {
  std::vector<std::string> tags;
  const auto add = [&](const Value& one) {
    std::optional<std::string> text = TextIn(one);
    if (text.has_value() && !text->empty()) tags.push_back(*std::move(text));
    return text.has_value();
  };
  if (!value.has_list_value()) {
    if (!add(value)) return std::nullopt;
    return tags;
  }
  for (const Value& one : value.list_value().values()) {
    if (!add(one)) return std::nullopt;
  }
  return tags;
}

bool IsNothing(const Value& value) {
  return value.has_null_value() || value.kind_case() == Value::KIND_NOT_SET ||
         (value.has_string_value() && value.string_value().empty()) ||
         (value.has_list_value() && value.list_value().values().empty());
}

template <typename T>
absl::StatusOr<ColumnValue> Checked(v1::AttributeType type, const Value& value,
                                    std::optional<T> read) {
  if (read.has_value()) return ColumnValue(*std::move(read));
  return absl::InvalidArgumentError(
      fmt::format("{}, expected {}", Shown(value), ExpectedOf(type)));
}

std::optional<int64_t> TimeIn(const Value& value) {
  return value.has_string_value() ? ParseAttributeTime(value.string_value())
                                  : std::nullopt;
}

}  // namespace

uint32_t TypesOfValue(const Value& value) {
  const auto bit = [](v1::AttributeType type, bool has) {
    return has ? uint32_t{1} << type : 0;
  };
  const bool all = IsNothing(value);
  return bit(v1::BOOLEAN, all || FlagIn(value)) |
         bit(v1::CATEGORY, all || TextIn(value)) |
         bit(v1::TAGS, all || TagsIn(value)) |
         bit(v1::INTEGER, all || IntegerIn(value)) |
         bit(v1::NUMBER, all || NumberIn(value)) |
         bit(v1::TIME, all || TimeIn(value));
}

absl::StatusOr<ColumnValue> ReadColumnValue(v1::AttributeType type,
                                            const Value& value) {
  if (IsNothing(value)) return ColumnValue();
  switch (type) {
    case v1::BOOLEAN:
      return Checked(type, value, FlagIn(value));
    case v1::INTEGER:
      return Checked(type, value, IntegerIn(value));
    case v1::NUMBER:
      return Checked(type, value, NumberIn(value));
    case v1::TIME:
      return Checked(type, value, TimeIn(value));
    case v1::TAGS:
      return Checked(type, value, TagsIn(value));
    default:
      return Checked(type, value, TextIn(value));
  }
}

}  // namespace tributary
