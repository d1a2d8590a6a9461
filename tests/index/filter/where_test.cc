#include "index/filter/where.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "fmt/format.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;

// A value with its type: true, 12, 1.5f, 'text'.
std::string Show(const v1::AttributeValue& value) {
  switch (value.value_case()) {
    case v1::AttributeValue::kFlag:
      return value.flag() ? "true" : "false";
    case v1::AttributeValue::kText:
      return fmt::format("'{}'", value.text());
    case v1::AttributeValue::kInteger:
      return fmt::format("{}", value.integer());
    case v1::AttributeValue::kNumber:
      return fmt::format("{}f", value.number());
    default:
      return "nothing";
  }
}

std::string Show(const v1::AttributeValues& values, const char* join) {
  std::string text;
  for (const v1::AttributeValue& value : values.values()) {
    text += (text.empty() ? "" : join) + Show(value);
  }
  return "{" + text + "}";
}

std::string Show(const v1::ValueRange& range) {
  std::string text;
  if (range.has_at_least()) text += ">=" + Show(range.at_least());
  if (range.has_above()) text += ">" + Show(range.above());
  if (range.has_at_most()) text += "<=" + Show(range.at_most());
  if (range.has_below()) text += "<" + Show(range.below());
  return text;
}

std::string Show(const v1::Term& term) {
  switch (term.test_case()) {
    case v1::Term::kEquals:
      return term.attribute() + "=" + Show(term.equals());
    case v1::Term::kAnyOf:
      return term.attribute() + "=" + Show(term.any_of(), "|");
    case v1::Term::kAllOf:
      return term.attribute() + "=" + Show(term.all_of(), "&");
    case v1::Term::kRange:
      return term.attribute() + Show(term.range());
    case v1::Term::kExists:
      return term.attribute() + (term.exists() ? "?" : "??");
    default:
      return "nothing";
  }
}

std::string Show(const v1::Predicate& predicate) {
  const bool all = predicate.has_all();
  if (predicate.has_term()) return Show(predicate.term());
  if (predicate.has_negated()) return "!" + Show(predicate.negated());
  std::string text;
  for (const v1::Predicate& one :
       all ? predicate.all().predicates() : predicate.any().predicates()) {
    text += (text.empty() ? "" : all ? " & " : " | ") + Show(one);
  }
  return "(" + text + ")";
}

// How the text is understood, or the error.
std::string Parsed(std::string_view text) {
  const auto parsed = ParseWhere(text);
  if (parsed.ok()) return Show(parsed->predicate);
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(parsed.status().message());
}

struct Case {
  std::string_view text;
  std::string_view meaning;
};

void ExpectAll(const std::vector<Case>& cases) {
  for (const auto& [text, meaning] : cases) {
    EXPECT_EQ(Parsed(text), meaning) << text;
  }
}

TEST(Where, Comparisons) {
  ExpectAll({
      {"a = 1", "a=1"},
      {"a != 1", "(a? & !a=1)"},
      {"a < 1", "a<1"},
      {"a <= 1", "a<=1"},
      {"a > 1", "a>1"},
      {"a >= 1", "a>=1"},
      {"a : x", "a='x'"},
      {"a:*", "a?"},
      {"a = *", "a?"},
      {"a != *", "(a? & !a?)"},
      {"a", "a=true"},
      {"a=b=c", "at byte 3: \"=\", expected AND, OR or the end"},
      {"  a\t=\r\n1 ", "a=1"},
      {"a=1", "a=1"},
  });
}

TEST(Where, Lists) {
  ExpectAll({
      {"a : (x OR y OR 3)", "a={'x'|'y'|3}"},
      {"a = (x OR \"OR\")", "a={'x'|'OR'}"},
      {"a : (x AND y)", "a={'x'&'y'}"},
      {"a : (x)", "a={'x'}"},
      {"a != (x OR y)", "(a? & !a={'x'|'y'})"},
      {"a : (\"x\"OR\"y\")", "a={'x'|'y'}"},
  });
}

TEST(Where, OrBindsTighterThanAnd) {
  ExpectAll({
      {"a AND b", "(a=true & b=true)"},
      {"a AND b AND c", "(a=true & b=true & c=true)"},
      {"a OR b OR c", "(a=true | b=true | c=true)"},
      {"a AND b OR c", "(a=true & (b=true | c=true))"},
      {"a OR b AND c", "((a=true | b=true) & c=true)"},
      {"a OR b AND c OR d", "((a=true | b=true) & (c=true | d=true))"},
      {"(a AND b) OR c", "((a=true & b=true) | c=true)"},
      {"a OR (b AND c)", "(a=true | (b=true & c=true))"},
      {"((a))", "a=true"},
      {"(a AND b) AND c", "((a=true & b=true) & c=true)"},
  });
}

TEST(Where, Negation) {
  ExpectAll({
      {"NOT a", "!a=true"},
      {"-a", "!a=true"},
      {"NOT a = 1", "!a=1"},
      {"-a = -1", "!a=-1"},
      {"NOT(a)", "!a=true"},
      {"NOT (a OR b) AND c", "(!(a=true | b=true) & c=true)"},
      {"NOT a OR b", "(!a=true | b=true)"},
      {"a AND -b", "(a=true & !b=true)"},
      {"NOT a != 1", "!(a? & !a=1)"},
      {"-(-a)", "!!a=true"},
      // As any word that is no keyword: keywords are in capitals.
      {"not = 1", "not=1"},
  });
}

TEST(Where, Texts) {
  ExpectAll({
      {"a = \"\"", "a=''"},
      {"a = \"two words\"", "a='two words'"},
      {"a = 'single \"double\"'", "a='single \"double\"'"},
      {R"(a = "a \"quote\" and a \\")", R"(a='a "quote" and a \')"},
      {R"(a = 'it\'s')", "a='it's'"},
      {R"(a = "\n")", "a='n'"},
      {"a = \"AND\"", "a='AND'"},
      {"a = \"true\"", "a='true'"},
      {"a = \"12\"", "a='12'"},
      {"a = caf\xC3\xA9", "a='caf\xC3\xA9'"},
      {"a = x-y_z/1.0", "a='x-y_z/1.0'"},
  });
}

TEST(Where, Numbers) {
  ExpectAll({
      {"a = 0", "a=0"},
      {"a = -0", "a='-0'"},
      {"a = 007", "a='007'"},
      {"a = +1", "a='+1'"},
      {"a = 9223372036854775807", "a=9223372036854775807"},
      {"a = -9223372036854775808", "a=-9223372036854775808"},
      // Beyond int64 it is text, which no number is equal to.
      {"a = 9223372036854775808", "a='9223372036854775808'"},
      {"a = 1.5", "a=1.5f"},
      {"a = -.5", "a=-0.5f"},
      {"a = .5", "a=0.5f"},
      {"a = 1e3", "a=1000f"},
      {"a = 1E-2", "a=0.01f"},
      {"a = 1e999", "a='1e999'"},
      {"a = inf", "a='inf'"},
      {"a = nan", "a='nan'"},
      {"a = 1.5x", "a='1.5x'"},
      {"a < 49.90", "a<49.9f"},
      {"a=true", "a=true"},
      {"a=false", "a=false"},
      {"a=True", "a='True'"},
  });
}

TEST(Where, Times) {
  ExpectAll({
      {"t >= 2026-11-30", "t>='2026-11-30'"},
      {"t >= 2026-11-30T12:00:00Z", "t>='2026-11-30T12:00:00Z'"},
      {"t < \"2026-11-30T12:00:00.5+01:00\"",
       "t<'2026-11-30T12:00:00.5+01:00'"},
      {"t:2026-11-30T12:00", "t='2026-11-30T12:00'"},
  });
}

TEST(Where, ErrorsNameTheByte) {
  ExpectAll({
      {" ", "at byte 1: the filter ends here, expected an attribute"},
      {"a AND", "at byte 5: the filter ends here, expected an attribute"},
      {"a OR AND", "at byte 5: \"AND\", expected the name of an attribute"},
      {"NOT NOT a", "at byte 4: \"NOT\", expected the name of an attribute"},
      {"--a", "at byte 1: \"-\", expected the name of an attribute"},
      {"AND", "at byte 0: \"AND\", expected the name of an attribute"},
      {"a = 1 AND NOT = 2",
       "at byte 14: \"=\", expected the name of an attribute"},
      {"a b", "at byte 2: \"b\", expected AND, OR or the end"},
      {"a and b", "at byte 2: \"and\", expected AND, OR or the end"},
      {"a -b", "at byte 2: \"-\", expected AND, OR or the end"},
      {"a (b)", "at byte 2: \"(\", expected AND, OR or the end"},
      {"a = 1)", "at byte 5: \")\", expected AND, OR or the end"},
      {"a =", "at byte 3: the filter ends here, expected a value"},
      {"a = AND", "at byte 4: \"AND\", expected a value"},
      {"a = NOT", "at byte 4: \"NOT\", expected a value"},
      {"a = )", "at byte 4: \")\", expected a value"},
      {"a < *", "at byte 4: * follows = or :, not <"},
      {"a >= (1 OR 2)", "at byte 5: a list follows = or :, not >="},
      {"a : (x OR y",
       "at byte 4: this list of values joined by OR is not closed"},
      {"a : (x AND y OR z)",
       "at byte 4: this list of values joined by AND is not closed"},
      {"a : ()", "at byte 5: \")\", expected a value"},
      {"b AND (a = 1", "at byte 6: this parenthesis is not closed"},
      {"a = \"x", "at byte 4: this quotation has no end"},
      {"a = 'x\\'", "at byte 4: this quotation has no end"},
      {"a, b", "at byte 1: \",\" has no meaning here"},
      {"a ! b", "at byte 2: \"!\" has no meaning here"},
      {"a == 1", "at byte 3: \"=\", expected a value"},
      {"\"a\" = 1", "at byte 0: \"a\", expected the name of an attribute"},
      {"()", "at byte 1: \")\", expected the name of an attribute"},
  });
}

TEST(Where, SaysWhereEachTermBegins) {
  const auto parsed = ParseWhere("a = 1 AND (b != 2 OR -c) AND d:(x OR y)");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  // != is two terms.
  EXPECT_THAT(parsed->offsets, ElementsAre(0, 11, 11, 22, 29));
}

int DepthOf(const v1::Predicate& predicate) {
  int depth = 0;
  if (predicate.has_negated()) depth = DepthOf(predicate.negated());
  for (const auto* list : {&predicate.all(), &predicate.any()}) {
    for (const v1::Predicate& one : list->predicates()) {
      depth = std::max(depth, DepthOf(one));
    }
  }
  return depth + 1;
}

std::string Repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(Where, WhatParsesIsNeverTooDeepToCompile) {
  for (const std::string_view open :
       {"(", "x AND (", "x AND y OR (", "NOT (", "-(", "x AND y OR NOT ("}) {
    int deepest = 0;
    for (int times = 1; times < 40; ++times) {
      const auto parsed =
          ParseWhere(Repeat(open, times) + "a != 1" + Repeat(")", times));
      if (!parsed.ok()) {
        EXPECT_THAT(std::string(parsed.status().message()),
                    ::testing::EndsWith("parentheses deep"))
            << open;
        break;
      }
      deepest = times;
      EXPECT_LE(DepthOf(parsed->predicate), kMaxPredicateDepth) << open;
    }
    EXPECT_GE(deepest, 4) << open;
    EXPECT_LT(deepest, 39) << open;
  }
}

TEST(Where, NestingOfAMegabyteEndsWithAnError) {
  for (const std::string_view open : {"(", "NOT (", "-(", "a AND ("}) {
    EXPECT_THAT(Parsed(Repeat(open, 1 << 20)),
                ::testing::EndsWith("more than 10 parentheses deep"))
        << open;
  }
}

}  // namespace
}  // namespace tributary
