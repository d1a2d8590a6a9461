#include "index/filter/item_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <compare>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "fmt/core.h"
#include "index/filter/attribute_time.h"

namespace tributary {
namespace {

using google::protobuf::Value;

bool IsWholeInt64(double number) {
  // 2^63 is the first double beyond them.
  return number == std::floor(number) && number >= -0x1p63 && number < 0x1p63;
}

std::optional<int64_t> IntegerIn(const std::string& text) {
  int64_t integer = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, integer);
  if (error != std::errc() || stop != end) return std::nullopt;
  return integer;
}

ItemValue OfInteger(int64_t integer) {
  return {.exists = true, .integer = integer};
}

std::optional<ItemValue> ReadFlag(const Value& value) {
  if (value.has_bool_value()) return OfInteger(value.bool_value() ? 1 : 0);
  const bool is_number =
      value.has_number_value() &&
      (value.number_value() == 0 || value.number_value() == 1);
  if (is_number) return OfInteger(value.number_value() == 1 ? 1 : 0);
  if (!value.has_string_value()) return std::nullopt;
  bool flag = false;
  // It knows true, t, yes, y and 1, and their opposites, in any case.
  if (!absl::SimpleAtob(value.string_value(), &flag)) return std::nullopt;
  return OfInteger(flag ? 1 : 0);
}

std::optional<ItemValue> ReadInteger(const Value& value) {
  if (value.has_number_value()) {
    if (!IsWholeInt64(value.number_value())) return std::nullopt;
    return OfInteger(static_cast<int64_t>(value.number_value()));
  }
  if (!value.has_string_value()) return std::nullopt;
  const std::optional<int64_t> integer = IntegerIn(value.string_value());
  if (!integer.has_value()) return std::nullopt;
  return OfInteger(*integer);
}

std::optional<ItemValue> ReadNumber(const Value& value) {
  double number = 0;
  if (value.has_number_value()) {
    number = value.number_value();
  } else if (!value.has_string_value() ||
             !absl::SimpleAtod(value.string_value(), &number)) {
    return std::nullopt;
  }
  if (!std::isfinite(number)) return std::nullopt;
  return ItemValue{.exists = true, .number = number + 0.0};
}

std::optional<ItemValue> ReadTime(const Value& value) {
  if (!value.has_string_value()) return std::nullopt;
  const std::optional<int64_t> time = ParseAttributeTime(value.string_value());
  if (!time.has_value()) return std::nullopt;
  return OfInteger(*time);
}

// A text, or what people would write for it.
std::optional<std::string> TextOf(const Value& value) {
  if (value.has_string_value()) return value.string_value();
  if (value.has_bool_value()) return value.bool_value() ? "true" : "false";
  if (!value.has_number_value()) return std::nullopt;
  const double number = value.number_value();
  if (!std::isfinite(number)) return std::nullopt;
  if (IsWholeInt64(number)) {
    return fmt::format("{}", static_cast<int64_t>(number));
  }
  return fmt::format("{}", number);
}

std::optional<ItemValue> ReadTexts(v1::AttributeType type, const Value& value) {
  ItemValue read;
  if (type == v1::TAGS && value.has_list_value()) {
    for (const Value& tag : value.list_value().values()) {
      std::optional<std::string> text = TextOf(tag);
      if (!text.has_value()) return std::nullopt;
      if (!text->empty()) read.texts.push_back(*std::move(text));
    }
    std::sort(read.texts.begin(), read.texts.end());
    read.texts.erase(std::unique(read.texts.begin(), read.texts.end()),
                     read.texts.end());
  } else {
    std::optional<std::string> text = TextOf(value);
    if (!text.has_value()) return std::nullopt;
    if (!text->empty()) read.texts.push_back(*std::move(text));
  }
  read.exists = !read.texts.empty();
  return read;
}

// The text that a condition on a category or a tag means: the attribute may be
// called 12, or true.
std::string TextMeant(const v1::AttributeValue& value) {
  if (value.has_flag()) return value.flag() ? "true" : "false";
  if (value.has_integer()) return fmt::format("{}", value.integer());
  return value.text();
}

// How the item's value stands to that of a condition; unordered where the
// condition's is no value of the type.
std::partial_ordering Compare(v1::AttributeType type, const ItemValue& item,
                              const v1::AttributeValue& value) {
  switch (type) {
    case v1::BOOLEAN: {
      const int64_t flag =
          value.has_flag() ? (value.flag() ? 1 : 0) : value.integer();
      return item.integer <=> flag;
    }
    case v1::INTEGER:
      if (value.has_integer()) return item.integer <=> value.integer();
      // Of all numbers that int64 has, long double has every one.
      return static_cast<long double>(item.integer) <=>
             static_cast<long double>(value.number());
    case v1::NUMBER:
      return item.number <=> (value.has_integer()
                                  ? static_cast<double>(value.integer())
                                  : value.number());
    case v1::TIME: {
      const std::optional<int64_t> time = ParseAttributeTime(value.text());
      if (!time.has_value()) return std::partial_ordering::unordered;
      return item.integer <=> *time;
    }
    default:
      return item.texts.front() <=> TextMeant(value);
  }
}

bool Equals(v1::AttributeType type, const ItemValue& item,
            const v1::AttributeValue& value) {
  if (type == v1::TAGS) {
    return std::ranges::binary_search(item.texts, TextMeant(value));
  }
  return Compare(type, item, value) == 0;
}

bool InRange(v1::AttributeType type, const ItemValue& item,
             const v1::ValueRange& range) {
  if (range.has_at_least() && !(Compare(type, item, range.at_least()) >= 0)) {
    return false;
  }
  if (range.has_above() && !(Compare(type, item, range.above()) > 0)) {
    return false;
  }
  if (range.has_at_most() && !(Compare(type, item, range.at_most()) <= 0)) {
    return false;
  }
  return !range.has_below() || Compare(type, item, range.below()) < 0;
}

bool PassesTerm(v1::AttributeType type, const ItemValue& item,
                const v1::Term& term) {
  if (term.test_case() == v1::Term::kExists) {
    return item.exists == term.exists();
  }
  if (!item.exists) return false;
  const auto equals = [&](const v1::AttributeValue& value) {
    return Equals(type, item, value);
  };
  switch (term.test_case()) {
    case v1::Term::kEquals:
      return equals(term.equals());
    case v1::Term::kAnyOf:
      return std::ranges::any_of(term.any_of().values(), equals);
    case v1::Term::kAllOf:
      return std::ranges::all_of(term.all_of().values(), equals);
    case v1::Term::kRange:
      return InRange(type, item, term.range());
    default:
      return false;
  }
}

}  // namespace

std::optional<ItemValue> ReadItemValue(v1::AttributeType type,
                                       const Value& value) {
  if (value.has_null_value() || value.kind_case() == Value::KIND_NOT_SET ||
      (value.has_string_value() && value.string_value().empty())) {
    return ItemValue();
  }
  switch (type) {
    case v1::BOOLEAN:
      return ReadFlag(value);
    case v1::INTEGER:
      return ReadInteger(value);
    case v1::NUMBER:
      return ReadNumber(value);
    case v1::TIME:
      return ReadTime(value);
    default:
      return ReadTexts(type, value);
  }
}

std::string ItemValueText(v1::AttributeType type, const ItemValue& value) {
  if (!value.exists) return "";
  switch (type) {
    case v1::BOOLEAN:
      return value.integer == 1 ? "true" : "false";
    case v1::NUMBER:
      return AttributeValueText(value.number);
    case v1::INTEGER:
    case v1::TIME:
      return AttributeValueText(type, value.integer);
    default: {
      std::string text;
      for (const std::string& one : value.texts) {
        if (!text.empty()) text += ", ";
        text += one;
      }
      return text;
    }
  }
}

ValuePredicate::ValuePredicate(const Bundle& bundle, v1::Predicate predicate)
    : predicate_(std::move(predicate)), root_(MakeNode(bundle, predicate_)) {}

ValuePredicate::Node ValuePredicate::MakeNode(const Bundle& bundle,
                                              const v1::Predicate& predicate) {
  Node node;
  node.predicate = &predicate;
  const auto add = [&](const v1::Predicate& child) {
    node.children.push_back(MakeNode(bundle, child));
  };
  switch (predicate.condition_case()) {
    case v1::Predicate::kAll:
      for (const v1::Predicate& child : predicate.all().predicates()) {
        add(child);
      }
      break;
    case v1::Predicate::kAny:
      for (const v1::Predicate& child : predicate.any().predicates()) {
        add(child);
      }
      break;
    case v1::Predicate::kNegated:
      add(predicate.negated());
      break;
    case v1::Predicate::kTerm: {
      const AttributeColumn* const column =
          bundle.FindAttribute(predicate.term().attribute());
      node.attribute = static_cast<size_t>(column - bundle.attributes().data());
      node.type = column->type();
      break;
    }
    case v1::Predicate::CONDITION_NOT_SET:
      break;
  }
  return node;
}

bool ValuePredicate::Passes(std::span<const ItemValue> values) const {
  return Passes(root_, values);
}

bool ValuePredicate::Passes(const Node& node,
                            std::span<const ItemValue> values) {
  const auto passes = [&](const Node& child) { return Passes(child, values); };
  switch (node.predicate->condition_case()) {
    case v1::Predicate::kAll:
      return std::ranges::all_of(node.children, passes);
    case v1::Predicate::kAny:
      return std::ranges::any_of(node.children, passes);
    case v1::Predicate::kNegated:
      return !passes(node.children.front());
    default:
      return PassesTerm(node.type, values[node.attribute],
                        node.predicate->term());
  }
}

}  // namespace tributary
