#include "index/data/attribute_value.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "index/bundle/attribute_column.h"
#include "index/data/column_kind.h"
#include "index/data/parse_field.h"
#include "index/data/time_reading.h"

namespace tributary {
namespace {

constexpr std::array<std::pair<std::string_view, bool>, 10> kFlagWords = {
    {{"true", true},
     {"false", false},
     {"yes", true},
     {"no", false},
     {"t", true},
     {"f", false},
     {"y", true},
     {"n", false},
     {"1", true},
     {"0", false}}};

bool EqualsWord(std::string_view text, std::string_view lower_word) {
  if (text.size() != lower_word.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char lower =
        c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (lower != lower_word[i]) return false;
  }
  return true;
}

bool IsText(v1::AttributeType type) {
  return type == v1::CATEGORY || type == v1::TAGS;
}

}  // namespace

absl::StatusOr<std::optional<v1::AttributeType>> ParseAttributeType(
    std::string_view name) {
  if (name == "none") return std::nullopt;
  for (const v1::AttributeType type : {v1::BOOLEAN, v1::CATEGORY, v1::TAGS,
                                       v1::INTEGER, v1::NUMBER, v1::TIME}) {
    if (AttributeTypeName(type) == name) return type;
  }
  return absl::InvalidArgumentError(
      fmt::format("\"{}\", expected bool, category, tags, integer, number, "
                  "time or none",
                  name));
}

std::optional<bool> ParseFlag(std::string_view text) {
  for (const auto& [word, flag] : kFlagWords) {
    if (EqualsWord(text, word)) return flag;
  }
  return std::nullopt;
}

std::optional<int64_t> ParseInteger(std::string_view text) {
  const size_t point = text.find('.');
  if (point != std::string_view::npos) {
    if (text.find_first_not_of('0', point + 1) != std::string_view::npos) {
      return std::nullopt;
    }
    text = text.substr(0, point);
  }
  int64_t integer = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, integer);
  if (error != std::errc() || stop != end) return std::nullopt;
  return integer;
}

std::optional<double> ParseFiniteNumber(std::string_view text) {
  const std::optional<double> number = ParseNumber(text);
  if (!number || !std::isfinite(*number)) return std::nullopt;
  return *number + 0.0;
}

bool IsMissingAttribute(v1::AttributeType type, std::string_view value) {
  if (IsMissing(value, /*of_numbers=*/!IsText(type))) return true;
  if (IsText(type)) return false;
  const std::string_view trimmed = Trim(value);
  if (type == v1::TIME && ParseInteger(trimmed) == 0) return true;
  const std::optional<double> number = ParseNumber(trimmed);
  return number.has_value() && std::isinf(*number);
}

bool FitsAttribute(v1::AttributeType type, std::string_view value) {
  if (IsMissingAttribute(type, value)) return true;
  const std::string_view trimmed = Trim(value);
  switch (type) {
    case v1::BOOLEAN:
      return ParseFlag(trimmed).has_value();
    case v1::INTEGER:
      return ParseInteger(trimmed).has_value();
    case v1::NUMBER:
      return ParseFiniteNumber(trimmed).has_value();
    case v1::TIME:
      return ParseTimeMs(trimmed).has_value();
    default:
      return true;
  }
}

}  // namespace tributary
