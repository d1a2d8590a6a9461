#include "index/filter/where_text.h"

#include <string_view>
#include <vector>

#include "fmt/core.h"

namespace tributary {
namespace {

// Where a text stands, which decides about its parentheses.
enum class Place { kAlone, kInList, kAfterNot };

std::string QuotedForWhere(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

// The shortest text that reads as this number and not as an integer.
std::string NumberForWhere(double number) {
  std::string text = fmt::format("{}", number);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string ValueForWhere(const v1::AttributeValue& value) {
  switch (value.value_case()) {
    case v1::AttributeValue::kFlag:
      return value.flag() ? "true" : "false";
    case v1::AttributeValue::kInteger:
      return fmt::format("{}", value.integer());
    case v1::AttributeValue::kNumber:
      return NumberForWhere(value.number());
    default:
      return QuotedForWhere(value.text());
  }
}

std::string Joined(const std::vector<std::string>& texts,
                   std::string_view join) {
  std::string all;
  for (const std::string& text : texts) {
    if (!all.empty()) all += fmt::format(" {} ", join);
    all += text;
  }
  return all;
}

std::string ValuesForWhere(const v1::AttributeValues& values,
                           std::string_view join) {
  std::vector<std::string> texts;
  for (const v1::AttributeValue& value : values.values()) {
    texts.push_back(ValueForWhere(value));
  }
  return fmt::format("({})", Joined(texts, join));
}

// Several texts joined by AND or OR, with parentheses where it stands within
// another such text.
std::string ListForWhere(const std::vector<std::string>& texts,
                         std::string_view join, Place place) {
  const std::string list = Joined(texts, join);
  return texts.size() > 1 && place != Place::kAlone ? fmt::format("({})", list)
                                                    : list;
}

std::string RangeForWhere(const std::string& attribute,
                          const v1::ValueRange& range, Place place) {
  std::vector<std::string> texts;
  const auto add = [&](bool has, const char* comparator,
                       const v1::AttributeValue& limit) {
    if (!has) return;
    texts.push_back(
        fmt::format("{} {} {}", attribute, comparator, ValueForWhere(limit)));
  };
  add(range.has_at_least(), ">=", range.at_least());
  add(range.has_above(), ">", range.above());
  add(range.has_at_most(), "<=", range.at_most());
  add(range.has_below(), "<", range.below());
  return ListForWhere(texts, "AND", place);
}

std::string Negation(const std::string& text, Place place) {
  const std::string negated = fmt::format("NOT {}", text);
  return place == Place::kAfterNot ? fmt::format("({})", negated) : negated;
}

std::string TermForWhere(const v1::Term& term, Place place) {
  const std::string& attribute = term.attribute();
  switch (term.test_case()) {
    case v1::Term::kEquals:
      return fmt::format("{} = {}", attribute, ValueForWhere(term.equals()));
    case v1::Term::kAnyOf:
      return fmt::format("{} = {}", attribute,
                         ValuesForWhere(term.any_of(), "OR"));
    case v1::Term::kAllOf:
      return fmt::format("{} = {}", attribute,
                         ValuesForWhere(term.all_of(), "AND"));
    case v1::Term::kRange:
      return RangeForWhere(attribute, term.range(), place);
    default: {
      const std::string exists = fmt::format("{} : *", attribute);
      return term.exists() ? exists : Negation(exists, place);
    }
  }
}

std::string PredicateForWhere(const v1::Predicate& predicate, Place place) {
  if (IsNotEqual(predicate)) {
    const v1::Term& term = predicate.all().predicates(1).negated().term();
    return fmt::format("{} != {}", term.attribute(),
                       ValueForWhere(term.equals()));
  }
  switch (predicate.condition_case()) {
    case v1::Predicate::kAll:
    case v1::Predicate::kAny: {
      const auto& list = predicate.has_all() ? predicate.all().predicates()
                                             : predicate.any().predicates();
      if (list.size() == 1) return PredicateForWhere(list[0], place);
      std::vector<std::string> texts;
      for (const v1::Predicate& one : list) {
        texts.push_back(PredicateForWhere(one, Place::kInList));
      }
      return ListForWhere(texts, predicate.has_all() ? "AND" : "OR", place);
    }
    case v1::Predicate::kNegated:
      return Negation(PredicateForWhere(predicate.negated(), Place::kAfterNot),
                      place);
    default:
      return TermForWhere(predicate.term(), place);
  }
}

}  // namespace

bool IsNotEqual(const v1::Predicate& predicate) {
  if (!predicate.has_all() || predicate.all().predicates_size() != 2) {
    return false;
  }
  const v1::Term& exists = predicate.all().predicates(0).term();
  const v1::Term& equals = predicate.all().predicates(1).negated().term();
  return exists.exists() && equals.has_equals() &&
         exists.attribute() == equals.attribute();
}

std::string WhereText(const v1::Predicate& predicate) {
  return PredicateForWhere(predicate, Place::kAlone);
}

}  // namespace tributary
