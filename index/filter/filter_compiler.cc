#include "index/filter/filter_compiler.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "fmt/core.h"
#include "index/filter/attribute_time.h"
#include "index/filter/where.h"
#include "status/nearest_name.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// The value as it may have been written.
std::string Written(const v1::AttributeValue& value) {
  switch (value.value_case()) {
    case v1::AttributeValue::kFlag:
      return value.flag() ? "true" : "false";
    case v1::AttributeValue::kText:
      return value.text();
    case v1::AttributeValue::kInteger:
      return fmt::format("{}", value.integer());
    case v1::AttributeValue::kNumber:
      return fmt::format("{}", value.number());
    case v1::AttributeValue::VALUE_NOT_SET:
      break;
  }
  return "";
}

// Whether a category may be meant. It may be called 12, or true; but which text
// a number such as 1.50 was, is not known any more.
bool IsTextOf(const v1::AttributeValue& value) {
  return value.has_text() || value.has_integer() || value.has_flag();
}

std::optional<bool> FlagOf(const v1::AttributeValue& value) {
  if (value.has_flag()) return value.flag();
  if (value.has_integer() && (value.integer() == 0 || value.integer() == 1)) {
    return value.integer() == 1;
  }
  return std::nullopt;
}

std::optional<double> NumberOf(const v1::AttributeValue& value) {
  if (value.has_integer()) return static_cast<double>(value.integer());
  if (value.has_number() && std::isfinite(value.number())) {
    return value.number();
  }
  return std::nullopt;
}

// Whether it is one of int64. 2^63 is the first double beyond them.
bool IsInteger(double number) {
  return number == std::floor(number) && number >= -0x1p63 && number < 0x1p63;
}

// The first code of integers that are at least, or above, a number.
uint32_t BoundOfIntegers(const AttributeColumn& column, double number,
                         bool above) {
  const double whole = above ? std::floor(number) : std::ceil(number);
  if (whole < -0x1p63) return 0;
  if (!IsInteger(whole)) return column.values();
  const auto integer = static_cast<int64_t>(whole);
  // To add 1 to the number instead would change nothing from 2^53 on.
  return column.LowerBound(integer) +
         (above && column.Find(integer).has_value() ? 1 : 0);
}

const char* ExampleOf(v1::AttributeType type) {
  switch (type) {
    case v1::BOOLEAN:
      return "true or false";
    case v1::INTEGER:
      return "a whole number, such as 12";
    case v1::NUMBER:
      return "a number, such as 49.9";
    case v1::TIME:
      return "a time in quotes, such as \"2026-11-30T12:00:00Z\" or "
             "\"2026-11-30\"";
    default:
      return "text, in quotes if it looks like a number";
  }
}

// Sorts the ranges and joins those that touch.
void JoinRanges(std::vector<CodeRange>* ranges) {
  std::erase_if(*ranges,
                [](CodeRange range) { return range.begin >= range.end; });
  std::sort(ranges->begin(), ranges->end(),
            [](CodeRange a, CodeRange b) { return a.begin < b.begin; });
  size_t size = 0;
  for (const CodeRange range : *ranges) {
    if (size > 0 && range.begin <= (*ranges)[size - 1].end) {
      (*ranges)[size - 1].end = std::max((*ranges)[size - 1].end, range.end);
    } else {
      (*ranges)[size++] = range;
    }
  }
  ranges->resize(size);
}

}  // namespace

absl::Status FilterCompiler::Error(const std::string& path,
                                   std::string_view what) const {
  if (term_ < options_.offsets.size()) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: at byte {}: {}", options_.path, options_.offsets[term_], what));
  }
  return absl::InvalidArgumentError(fmt::format("{}: {}", path, what));
}

absl::Status FilterCompiler::Compile(const v1::Predicate& predicate) {
  return AddPredicate(predicate, std::string(options_.path), 1, &filter_.root_);
}

absl::Status FilterCompiler::CountTerms(int terms, const std::string& path) {
  terms_ += static_cast<uint32_t>(terms);
  if (terms_ <= options_.max_terms) return absl::OkStatus();
  return Error(path, fmt::format("more than {} terms, which is "
                                 "limits.max_filter_terms",
                                 options_.max_terms));
}

absl::Status FilterCompiler::AddPredicate(const v1::Predicate& predicate,
                                          const std::string& path, int depth,
                                          Node* node) {
  if (depth > options_.max_depth) {
    return Error(path,
                 fmt::format("nested deeper than {}", options_.max_depth));
  }
  switch (predicate.condition_case()) {
    case v1::Predicate::kAll:
      node->kind = Kind::kAll;
      return AddList(predicate.all(), path + ".all", depth, node);
    case v1::Predicate::kAny:
      node->kind = Kind::kAny;
      return AddList(predicate.any(), path + ".any", depth, node);
    case v1::Predicate::kNegated:
      node->kind = Kind::kNot;
      return AddPredicate(predicate.negated(), path + ".negated", depth + 1,
                          &node->children.emplace_back());
    case v1::Predicate::kTerm: {
      RETURN_IF_ERROR(AddTerm(predicate.term(), path + ".term", node));
      ++term_;
      return absl::OkStatus();
    }
    case v1::Predicate::CONDITION_NOT_SET:
      break;
  }
  return Error(path, "one of all, any, negated and term must be set");
}

absl::Status FilterCompiler::AddList(const v1::Predicates& list,
                                     const std::string& path, int depth,
                                     Node* node) {
  if (list.predicates().empty()) {
    return Error(path + ".predicates", "empty, expected at least one");
  }
  for (int i = 0; i < list.predicates_size(); ++i) {
    RETURN_IF_ERROR(AddPredicate(list.predicates(i),
                                 fmt::format("{}.predicates[{}]", path, i),
                                 depth + 1, &node->children.emplace_back()));
  }
  return absl::OkStatus();
}

absl::Status FilterCompiler::AddTerm(const v1::Term& term,
                                     const std::string& path, Node* node) {
  RETURN_IF_ERROR(CountTerms(1, path));
  const size_t index = attributes_.IndexOf(term.attribute());
  if (index == attributes_.size()) {
    std::vector<std::string_view> names;
    for (const AttributeColumn& known : attributes_.bundle().attributes()) {
      names.push_back(known.name());
    }
    return Error(
        path + ".attribute",
        fmt::format("{} is no attribute of version {}{}",
                    Quoted(term.attribute()), attributes_.bundle().version(),
                    names.empty() ? ", which has none (docs/filters.md)"
                                  : DidYouMean(term.attribute(), names)));
  }
  const AttributeColumn* const column = &attributes_[index];
  filter_.NoteColumn(static_cast<uint32_t>(index), column->serial());
  node->column = column;
  node->kind = column->type() == v1::TAGS ? Kind::kAnyTag : Kind::kCodes;
  switch (term.test_case()) {
    case v1::Term::kEquals:
      return AddEquals(term.equals(), path + ".equals", node);
    case v1::Term::kAnyOf:
      return AddValues(term.any_of(), /*all=*/false, path + ".any_of", node);
    case v1::Term::kAllOf:
      return AddValues(term.all_of(), /*all=*/true, path + ".all_of", node);
    case v1::Term::kRange:
      return AddRange(term.range(), path + ".range", node);
    case v1::Term::kExists: {
      Node has_value;
      has_value.column = column;
      has_value.kind =
          column->type() == v1::TAGS ? Kind::kTagged : Kind::kCodes;
      has_value.ranges = {{0, column->values()}};
      if (term.exists()) {
        *node = std::move(has_value);
      } else {
        node->kind = Kind::kNot;
        node->children.push_back(std::move(has_value));
      }
      return absl::OkStatus();
    }
    case v1::Term::TEST_NOT_SET:
      break;
  }
  return Error(path,
               "one of equals, any_of, all_of, range and exists must be "
               "set");
}

absl::Status FilterCompiler::AddEquals(const v1::AttributeValue& value,
                                       const std::string& path, Node* node) {
  ASSIGN_OR_RETURN(const std::optional<uint32_t> code,
                   FindCode(*node->column, value, path));
  if (!code.has_value()) return absl::OkStatus();
  if (node->kind == Kind::kAnyTag) {
    node->codes = {*code};
  } else {
    node->ranges = {{*code, *code + 1}};
  }
  return absl::OkStatus();
}

absl::Status FilterCompiler::AddValues(const v1::AttributeValues& values,
                                       bool all, const std::string& path,
                                       Node* node) {
  const bool tags = node->column->type() == v1::TAGS;
  if (values.values().empty()) {
    return Error(path + ".values", "empty, expected at least one");
  }
  if (all && !tags) {
    return Error(path, fmt::format("{} is {}, and an item has one value of it; "
                                   "all of several values are for tags",
                                   Quoted(node->column->name()),
                                   AttributeTypeName(node->column->type())));
  }
  RETURN_IF_ERROR(CountTerms(values.values_size() - 1, path));
  bool missed = false;
  for (int i = 0; i < values.values_size(); ++i) {
    ASSIGN_OR_RETURN(const std::optional<uint32_t> code,
                     FindCode(*node->column, values.values(i),
                              fmt::format("{}.values[{}]", path, i)));
    if (!code.has_value()) {
      missed = true;
    } else if (tags) {
      node->codes.push_back(*code);
    } else {
      node->ranges.push_back({*code, *code + 1});
    }
  }
  JoinRanges(&node->ranges);
  if (all) {
    node->kind = Kind::kAllTags;
    // No item has all of them.
    if (missed) node->codes.clear();
  }
  return absl::OkStatus();
}

absl::Status FilterCompiler::AddRange(const v1::ValueRange& range,
                                      const std::string& path, Node* node) {
  const AttributeColumn& column = *node->column;
  if (column.type() == v1::TAGS || column.type() == v1::BOOLEAN) {
    return Error(
        path, fmt::format("{} is {}, which has no order", Quoted(column.name()),
                          AttributeTypeName(column.type())));
  }
  if (range.has_at_least() && range.has_above()) {
    return Error(path, "at_least and above are both set");
  }
  if (range.has_at_most() && range.has_below()) {
    return Error(path, "at_most and below are both set");
  }
  CodeRange codes{0, column.values()};
  if (range.has_at_least()) {
    ASSIGN_OR_RETURN(codes.begin, FindBound(column, range.at_least(), false,
                                            path + ".at_least"));
  } else if (range.has_above()) {
    ASSIGN_OR_RETURN(codes.begin,
                     FindBound(column, range.above(), true, path + ".above"));
  }
  if (range.has_at_most()) {
    ASSIGN_OR_RETURN(
        codes.end, FindBound(column, range.at_most(), true, path + ".at_most"));
  } else if (range.has_below()) {
    ASSIGN_OR_RETURN(codes.end,
                     FindBound(column, range.below(), false, path + ".below"));
  } else if (!range.has_at_least() && !range.has_above()) {
    return Error(path, "no limit is set");
  }
  if (codes.begin < codes.end) node->ranges = {codes};
  return absl::OkStatus();
}

absl::Status FilterCompiler::WrongType(const AttributeColumn& column,
                                       const v1::AttributeValue& value,
                                       const std::string& path) {
  if (value.value_case() == v1::AttributeValue::VALUE_NOT_SET) {
    return Error(path, "one of flag, text, integer and number must be set");
  }
  return Error(
      path, fmt::format("{} is {}, and {} is not; expected {}",
                        Quoted(column.name()), AttributeTypeName(column.type()),
                        Quoted(Written(value)), ExampleOf(column.type())));
}

absl::Status FilterCompiler::CheckText(const v1::AttributeValue& value,
                                       const std::string& path) const {
  if (value.text().size() <= options_.max_text_bytes) return absl::OkStatus();
  return Error(path, fmt::format("{} bytes, limits.max_key_bytes is {}",
                                 value.text().size(), options_.max_text_bytes));
}

void FilterCompiler::NoteUnknown(const AttributeColumn& column,
                                 const v1::AttributeValue& value) {
  if (filter_.unknown_values_.size() == kMaxUnknownValues) return;
  filter_.unknown_values_.push_back(
      fmt::format("{}: {}", column.name(), Printable(Written(value))));
}

absl::StatusOr<int64_t> FilterCompiler::TimeOf(const AttributeColumn& column,
                                               const v1::AttributeValue& value,
                                               const std::string& path) {
  if (value.has_text()) {
    const std::optional<int64_t> time = ParseAttributeTime(value.text());
    if (time.has_value()) return *time;
  }
  return WrongType(column, value, path);
}

absl::StatusOr<std::optional<uint32_t>> FilterCompiler::FindCode(
    const AttributeColumn& column, const v1::AttributeValue& value,
    const std::string& path) {
  std::optional<uint32_t> code;
  RETURN_IF_ERROR(CheckText(value, path));
  switch (column.type()) {
    case v1::BOOLEAN: {
      const std::optional<bool> flag = FlagOf(value);
      if (!flag.has_value()) return WrongType(column, value, path);
      return *flag ? 1U : 0U;
    }
    case v1::INTEGER: {
      const std::optional<double> number = NumberOf(value);
      if (!number.has_value()) return WrongType(column, value, path);
      if (value.has_integer()) {
        code = column.Find(value.integer());
      } else if (IsInteger(*number)) {
        code = column.Find(static_cast<int64_t>(*number));
      }
      break;
    }
    case v1::NUMBER: {
      const std::optional<double> number = NumberOf(value);
      if (!number.has_value()) return WrongType(column, value, path);
      code = column.Find(*number);
      break;
    }
    case v1::TIME: {
      ASSIGN_OR_RETURN(const int64_t time, TimeOf(column, value, path));
      code = column.Find(time);
      break;
    }
    default:
      if (!IsTextOf(value)) return WrongType(column, value, path);
      code = column.Find(std::string_view(Written(value)));
      break;
  }
  if (!code.has_value()) NoteUnknown(column, value);
  return code;
}

absl::StatusOr<uint32_t> FilterCompiler::FindBound(
    const AttributeColumn& column, const v1::AttributeValue& value, bool above,
    const std::string& path) {
  RETURN_IF_ERROR(CheckText(value, path));
  switch (column.type()) {
    case v1::INTEGER:
    case v1::NUMBER: {
      const std::optional<double> number = NumberOf(value);
      if (!number.has_value()) return WrongType(column, value, path);
      if (column.type() == v1::NUMBER) {
        return column.LowerBound(*number) +
               (above && column.Find(*number).has_value() ? 1 : 0);
      }
      if (!value.has_integer()) return BoundOfIntegers(column, *number, above);
      return column.LowerBound(value.integer()) +
             (above && column.Find(value.integer()).has_value() ? 1 : 0);
    }
    case v1::TIME: {
      ASSIGN_OR_RETURN(const int64_t time, TimeOf(column, value, path));
      return column.LowerBound(time) +
             (above && column.Find(time).has_value() ? 1 : 0);
    }
    default: {
      if (!IsTextOf(value)) return WrongType(column, value, path);
      const std::string text = Written(value);
      return column.LowerBound(std::string_view(text)) +
             (above && column.Find(std::string_view(text)).has_value() ? 1 : 0);
    }
  }
}

}  // namespace tributary
