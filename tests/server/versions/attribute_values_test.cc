#include "server/versions/attribute_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "google/protobuf/util/json_util.h"
#include "index/changes/changed_attributes.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;

google::protobuf::Value Json(const std::string& json) {
  google::protobuf::Value value;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &value).ok())
      << json;
  return value;
}

ColumnValue Read(v1::AttributeType type, const std::string& json) {
  const auto value = ReadColumnValue(type, Json(json));
  EXPECT_TRUE(value.ok()) << json << ": " << value.status();
  return value.value_or(ColumnValue());
}

std::string ErrorOf(v1::AttributeType type, const std::string& json) {
  const auto value = ReadColumnValue(type, Json(json));
  EXPECT_FALSE(value.ok()) << json;
  return std::string(value.status().message());
}

TEST(AttributeValues, AreReadByTheAttributesType) {
  EXPECT_EQ(Read(v1::BOOLEAN, "false"), ColumnValue(false));
  EXPECT_EQ(Read(v1::BOOLEAN, "\"true\""), ColumnValue(true));
  EXPECT_EQ(Read(v1::INTEGER, "-12"), ColumnValue(int64_t{-12}));
  EXPECT_EQ(Read(v1::INTEGER, "\"9223372036854775807\""),
            ColumnValue(int64_t{9223372036854775807}));
  EXPECT_EQ(Read(v1::NUMBER, "49.9"), ColumnValue(49.9));
  EXPECT_EQ(Read(v1::NUMBER, "\"0.5\""), ColumnValue(0.5));
  EXPECT_EQ(Read(v1::CATEGORY, "\"a\""), ColumnValue(std::string("a")));
  EXPECT_EQ(Read(v1::CATEGORY, "7"), ColumnValue(std::string("7")));
  EXPECT_EQ(Read(v1::TIME, "\"1970-01-02\""), ColumnValue(int64_t{86'400'000}));
  EXPECT_EQ(Read(v1::TAGS, "[\"b\", \"a\", \"\", 3]"),
            ColumnValue(std::vector<std::string>{"b", "a", "3"}));
  EXPECT_EQ(Read(v1::TAGS, "\"a\""),
            ColumnValue(std::vector<std::string>{"a"}));
  for (const auto type : {v1::BOOLEAN, v1::INTEGER, v1::NUMBER, v1::CATEGORY,
                          v1::TIME, v1::TAGS}) {
    for (const char* const nothing : {"null", "\"\"", "[]"}) {
      EXPECT_EQ(Read(type, nothing), ColumnValue()) << nothing;
    }
  }
  // Dictionaries have no -0.
  EXPECT_FALSE(std::signbit(std::get<double>(Read(v1::NUMBER, "-0.0"))));
}

TEST(AttributeValues, OfAnotherTypeAreNamed) {
  EXPECT_EQ(ErrorOf(v1::NUMBER, "\"cheap\""),
            "\"cheap\", expected a finite number, such as 49.9");
  EXPECT_EQ(ErrorOf(v1::BOOLEAN, "1"), "1, expected true or false");
  EXPECT_THAT(ErrorOf(v1::INTEGER, "1.5"), HasSubstr("1.5, expected a whole"));
  EXPECT_THAT(ErrorOf(v1::INTEGER, "1e300"), HasSubstr("expected a whole"));
  EXPECT_THAT(ErrorOf(v1::TIME, "12"), HasSubstr("expected a time as a text"));
  EXPECT_THAT(ErrorOf(v1::TIME, "\"soon\""), HasSubstr("\"soon\", expected"));
  EXPECT_EQ(ErrorOf(v1::TAGS, "[[1]]"), "a list, expected a list of texts");
  EXPECT_EQ(ErrorOf(v1::CATEGORY, "{}"), "an object, expected a text");
  EXPECT_EQ(ErrorOf(v1::NUMBER, "\"nan\"").substr(0, 5), "\"nan\"");
}

TEST(AttributeValues, TheTypesAreThoseThatReadIt) {
  for (const char* const json :
       {"null", "true", "\"true\"", "1", "1.5", "\"1\"", "\"1.5\"", "\"x\"",
        "\"2026-01-01\"", "[]", "[\"a\"]", "[{}]", "{}", "1e300", "\"\""}) {
    const uint32_t types = TypesOfValue(Json(json));
    for (const auto type : {v1::BOOLEAN, v1::INTEGER, v1::NUMBER, v1::CATEGORY,
                            v1::TIME, v1::TAGS}) {
      EXPECT_EQ((types >> type & 1) != 0,
                ReadColumnValue(type, Json(json)).ok())
          << json << " " << type;
    }
  }
}

// Whatever type the attribute has, the last value that fits it is there.
TEST(ChangedAttributes, KeepsTheLastValueOfEachType) {
  ChangedAttributes attributes(TypesOfValue);
  const std::vector<std::string> values = {"5", "\"x\"",   "true",
                                           "7", "[\"a\"]", "\"y\""};
  uint64_t number = 0;
  for (const std::string& json : values) {
    v1::Change change;
    change.set_number(++number);
    change.set_item("i");
    (*change.mutable_set()->mutable_attributes()->mutable_fields())["a"] =
        Json(json);
    EXPECT_TRUE(attributes.Apply(change));
  }
  const auto last = [&](v1::AttributeType type) {
    uint64_t change = 0;
    for (const ChangedValue& value : *attributes.Find("i")) {
      if ((value.types >> type & 1) != 0) change = value.change;
    }
    return change;
  };
  EXPECT_EQ(last(v1::NUMBER), 4U);
  EXPECT_EQ(last(v1::BOOLEAN), 3U);
  EXPECT_EQ(last(v1::CATEGORY), 6U);
  EXPECT_EQ(last(v1::TAGS), 6U);
  EXPECT_EQ(last(v1::TIME), 0U);
  EXPECT_EQ(attributes.Find("i")->size(), 3U);
  EXPECT_EQ(attributes.Find("j"), nullptr);
}

}  // namespace
}  // namespace tributary
