#include "index/data/attribute_choice.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/bundle/attribute_column.h"
#include "index/data/attribute_value.h"
#include "index/data/time_reading.h"

namespace tributary {
namespace {

using Texts = std::vector<std::string>;

// The values, `times` times, so that they can be categories.
Texts Repeat(const Texts& values, int times = 5) {
  Texts repeated;
  for (int i = 0; i < times; ++i) {
    repeated.insert(repeated.end(), values.begin(), values.end());
  }
  return repeated;
}

std::string Recognised(const std::string& name, const Texts& values) {
  const ColumnReading reading = RecogniseColumn(name, values);
  const auto type = RecogniseAttribute(name, reading.kind, values);
  return type ? std::string(AttributeTypeName(*type)) : "none";
}

TEST(AttributeChoiceTest, RecognisesTypesByValue) {
  struct Case {
    std::string name;
    Texts values;
    std::string type;
  };
  const Case kCases[] = {
      {"in_stock", Repeat({"true", "False", ""}), "bool"},
      {"in_stock", {"yes", "NO"}, "bool"},
      {"in_stock", {"t", "f", "n/a"}, "bool"},
      {"in_stock", {"0", "1", "1"}, "bool"},
      {"in_stock", {"1.0", "0.0"}, "integer"},
      // All of one kind: a whole word says enough, one letter or digit not.
      {"in_stock", {"true", "true"}, "bool"},
      {"pieces", {"1", "1"}, "integer"},
      {"gender", Repeat({"m", "f"}), "category"},
      {"answer", Repeat({"yes", "no", "maybe"}), "category"},
      {"year", {"1999", "2020", "-5", "NA"}, "integer"},
      {"year", {"1999.0", "2020.0", "nan"}, "integer"},
      {"views", {"9223372036854775807", "-9223372036854775808"}, "integer"},
      {"views", {"9223372036854775808", "1"}, "number"},
      {"price", {"9.99", "1e3", "50"}, "number"},
      {"price", {"9.99", "inf"}, "number"},
      {"brand_id", {"12", "12", "7"}, "integer"},
      {"zipcode", {"01234", "01234", "98765"}, "category"},
      {"brand_id", {"12", "13", "7"}, "none"},
      {"created_at", {"2026-01-31", "2026-02-01", ""}, "time"},
      // Dates are times, however often they repeat.
      {"day", Repeat({"2026-01-31", "2026-02-01"}, 20), "time"},
      {"seen", {"2026-01-31T12:00:00+01:00", "2026-02-01 08:00:00"}, "time"},
      {"film_released", {"1936-02-05", "1999-03-31"}, "time"},
      {"created_at", {"1700000000", "1700000001"}, "time"},
      {"created_at", {"1700000000123", "1700000000124"}, "time"},
      {"release_date", {"20260131", "20251224"}, "time"},
      {"amount", {"1700000000", "1700000001"}, "integer"},
      {"release_date", {"31", "24"}, "integer"},
      {"genres", {"a|b", "b", ""}, "tags"},
      {"labels", {"['x', 'y']", "['x']"}, "tags"},
      {"brand", Repeat({"acme", "bolt"}), "category"},
      {"brand", {"acme", "bolt"}, "none"},
      {"title", {"A lamp", "Another lamp, new", "Chair"}, "none"},
      {"url", {"https://a/1", "https://a/2", "https://a/3"}, "none"},
      {"sku",
       {"a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10"},
       "none"},
      {"note", {"", "n/a"}, "none"},
      {"Unnamed: 0", {"0", "1", "2"}, "none"},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(Recognised(c.name, c.values), c.type)
        << c.name << ": " << testing::PrintToString(c.values);
  }
}

TEST(AttributeChoiceTest, StatedKindsDecide) {
  const auto of = [](ColumnKind kind, const Texts& values) -> std::string {
    const auto type = AttributeOfStatedKind(kind, values);
    return type ? std::string(AttributeTypeName(*type)) : "none";
  };
  EXPECT_EQ(of(ColumnKind::kNumber, {"0", "1"}), "integer");
  EXPECT_EQ(of(ColumnKind::kNumber, {"0", "1.5"}), "number");
  EXPECT_EQ(of(ColumnKind::kTime, {"2026-01-31"}), "time");
  EXPECT_EQ(of(ColumnKind::kTime, {"12"}), "integer");
  EXPECT_EQ(of(ColumnKind::kCategory, {"1", "2"}), "category");
  EXPECT_EQ(of(ColumnKind::kTags, {"a"}), "tags");
  EXPECT_EQ(of(ColumnKind::kText, {"true"}), "none");
  EXPECT_EQ(of(ColumnKind::kIgnored, {"1"}), "none");
}

TEST(AttributeChoiceTest, TokensAreCategoriesUnlessValuesSayMore) {
  EXPECT_EQ(AttributeOfTokens(Texts{"1995", "1996"}), v1::INTEGER);
  EXPECT_EQ(AttributeOfTokens(Texts{"0", "1"}), v1::BOOLEAN);
  EXPECT_EQ(AttributeOfTokens(Texts{"a", "b", ""}), v1::CATEGORY);
  EXPECT_EQ(AttributeOfTokens(
                Texts{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}),
            std::nullopt);
}

TEST(AttributeChoiceTest, NamesAreMadeOfColumns) {
  EXPECT_EQ(AttributeNameOf("In Stock?", 1), "in_stock_");
  EXPECT_EQ(AttributeNameOf("createdAt", 1), "createdat");
  EXPECT_EQ(AttributeNameOf("3d", 1), "_3d");
  EXPECT_EQ(AttributeNameOf("größe", 1), "gr__e");
  EXPECT_EQ(AttributeNameOf("価格", 7), "column_7");
  EXPECT_EQ(AttributeNameOf("", 2), "column_2");
  EXPECT_EQ(AttributeNameOf("a.b-c", 1), "a_b_c");
  EXPECT_EQ(AttributeNameOf(std::string(80, 'x'), 1), std::string(64, 'x'));
  for (const char* column : {"In Stock?", "3d", "größe", "価格", "", "_"}) {
    EXPECT_TRUE(IsAttributeName(AttributeNameOf(column, 9))) << column;
  }
}

TEST(AttributeChoiceTest, UnknownTypesAreNamed) {
  v1::Input input;
  (*input.mutable_attributes())["price"] = "decimal";
  const auto choice = StatedAttributes(input, 0, 0);
  EXPECT_EQ(choice.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(choice.status().message(),
            "attributes: the column \"price\": \"decimal\", expected bool, "
            "category, tags, integer, number, time or none");
}

TEST(AttributeValueTest, TimesHaveMilliseconds) {
  EXPECT_EQ(ParseTimeMs("2026-01-31T12:00:00.125Z"), 1769860800125);
  EXPECT_EQ(ParseTimeMs("2026-01-31T13:00:00+01:00"), 1769860800000);
  EXPECT_EQ(ParseTimeMs("2026-01-31"), 1769817600000);
  EXPECT_EQ(ParseTimeMs("1969-12-31T23:59:59.999Z"), -1);
  EXPECT_EQ(ParseTimeMs("1769860800"), 1769860800000);
  EXPECT_EQ(ParseTimeMs("1769860800.5"), 1769860800500);
  EXPECT_EQ(ParseTimeMs("1769860800125"), 1769860800125);
  EXPECT_EQ(ParseTimeMs("1769860800125999"), 1769860800125);
  EXPECT_EQ(ParseTimeMs("1769860800125999999"), 1769860800125);
  EXPECT_EQ(ParseTimeMs("20260131"), 1769817600000);
  EXPECT_EQ(ParseTimeMs("20260131120000"), 1769860800000);
  for (const char* text : {"", "noon", "12", "31.01.2026", "-1700000000", "nan",
                           "inf", "infinite-future", "20269999"}) {
    EXPECT_EQ(ParseTimeMs(text), std::nullopt) << text;
  }
}

TEST(AttributeValueTest, NumbersAreExact) {
  EXPECT_EQ(ParseInteger("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(ParseInteger("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(ParseInteger("007"), 7);
  EXPECT_EQ(ParseInteger("12."), 12);
  for (const char* text : {"", ".", "-", "9223372036854775808", "1e3", "1.5",
                           "+1", " 1", "1,000"}) {
    EXPECT_EQ(ParseInteger(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseFiniteNumber("0.1"), 0.1);
  EXPECT_FALSE(std::signbit(*ParseFiniteNumber("-0")));
  EXPECT_EQ(ParseFiniteNumber("nan"), std::nullopt);
  EXPECT_EQ(ParseFiniteNumber("1e999"), std::nullopt);
}

}  // namespace
}  // namespace tributary
