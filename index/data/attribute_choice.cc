#include "index/data/attribute_choice.h"

#include <algorithm>
#include <unordered_set>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "index/bundle/attribute_column.h"
#include "index/data/attribute_value.h"
#include "index/data/parse_field.h"
#include "index/data/time_reading.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Fewer values that all differ may be categories.
constexpr size_t kFewestKeys = 10;

// Whether there is a value, and all fit the type and `also`.
template <typename Also>
bool AllAre(v1::AttributeType type, std::span<const std::string> values,
            const Also& also) {
  bool any = false;
  for (const std::string& value : values) {
    if (IsMissingAttribute(type, value)) continue;
    any = true;
    if (!FitsAttribute(type, value) || !also(Trim(value))) return false;
  }
  return any;
}

bool AllAre(v1::AttributeType type, std::span<const std::string> values) {
  return AllAre(type, values, [](std::string_view) { return true; });
}

bool AreFlags(std::span<const std::string> values) {
  bool whole_word = false;
  bool seen[2] = {false, false};
  const bool flags = AllAre(v1::BOOLEAN, values, [&](std::string_view value) {
    whole_word = whole_word || value.size() > 1;
    seen[*ParseFlag(value) ? 1 : 0] = true;
    return true;
  });
  return flags && (whole_word || (seen[0] && seen[1]));
}

// 007 is a key, of which the zeros count.
bool AreIntegerKeys(std::span<const std::string> values) {
  return AllAre(v1::INTEGER, values, [](std::string_view value) {
    if (value.starts_with('-')) value.remove_prefix(1);
    return value.size() < 2 || value[0] != '0' || value[1] == '.';
  });
}

v1::AttributeType NumberOrInteger(std::span<const std::string> values) {
  return AllAre(v1::INTEGER, values) ? v1::INTEGER : v1::NUMBER;
}

bool AllDiffer(std::span<const std::string> values) {
  std::unordered_set<std::string_view> different;
  for (const std::string& value : values) {
    if (!value.empty() && !different.insert(value).second) return false;
  }
  return different.size() >= kFewestKeys;
}

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

absl::StatusOr<AttributeChoice> StatedAttributes(const v1::Input& input,
                                                 uint64_t max_misfits,
                                                 double max_misfit_share) {
  AttributeChoice choice;
  choice.max_misfits = max_misfits;
  choice.max_misfit_share = max_misfit_share;
  for (const auto& [column, name] : input.attributes()) {
    const auto type = ParseAttributeType(name);
    if (!type.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("attributes: the column \"{}\": {}", column,
                      std::string(type.status().message())));
    }
    choice.stated.emplace(column, *type);
  }
  return choice;
}

std::string AttributeNameOf(std::string_view column, size_t index) {
  std::string name;
  bool any = false;
  for (const char c : column) {
    // The further bytes of a character.
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) continue;
    const char lower =
        c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (name.empty() && lower >= '0' && lower <= '9') name += '_';
    name += IsLetterOrDigit(lower) ? lower : '_';
    any = any || IsLetterOrDigit(lower);
  }
  if (!any) return fmt::format("column_{}", index);
  if (name.size() > kMaxAttributeNameBytes) name.resize(kMaxAttributeNameBytes);
  return name;
}

std::optional<v1::AttributeType> RecogniseAttribute(
    std::string_view name, ColumnKind kind,
    std::span<const std::string> values) {
  switch (kind) {
    case ColumnKind::kIgnored:
      return std::nullopt;
    case ColumnKind::kText:
      if (AreFlags(values)) return v1::BOOLEAN;
      return std::nullopt;
    case ColumnKind::kTags:
      return v1::TAGS;
    case ColumnKind::kCategory:
      // Numbers are only read as categories where they are keys by the name.
      if (AreIntegerKeys(values)) return v1::INTEGER;
      return AreFlags(values) ? v1::BOOLEAN : v1::CATEGORY;
    case ColumnKind::kTime:
      if (AllAre(v1::TIME, values)) return v1::TIME;
      return NumberOrInteger(values);
    case ColumnKind::kNumber:
      if (AreFlags(values)) return v1::BOOLEAN;
      if (NamesATime(name) && AllAre(v1::TIME, values)) return v1::TIME;
      return NumberOrInteger(values);
  }
  return std::nullopt;
}

std::optional<v1::AttributeType> AttributeOfStatedKind(
    ColumnKind kind, std::span<const std::string> values) {
  switch (kind) {
    case ColumnKind::kText:
    case ColumnKind::kIgnored:
      return std::nullopt;
    case ColumnKind::kTags:
      return v1::TAGS;
    case ColumnKind::kCategory:
      return v1::CATEGORY;
    case ColumnKind::kTime:
      if (AllAre(v1::TIME, values)) return v1::TIME;
      return NumberOrInteger(values);
    case ColumnKind::kNumber:
      return NumberOrInteger(values);
  }
  return std::nullopt;
}

std::optional<v1::AttributeType> AttributeOfTokens(
    std::span<const std::string> values) {
  if (AllDiffer(values)) return std::nullopt;
  if (AreFlags(values)) return v1::BOOLEAN;
  return AreIntegerKeys(values) ? v1::INTEGER : v1::CATEGORY;
}

}  // namespace tributary
