#include "cli/change_value.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/util/json_util.h"

namespace tributary {
namespace {

std::string JsonOf(const google::protobuf::Value& value) {
  std::string json;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(value, &json).ok());
  return json;
}

TEST(ChangeValueTest, IsWhatItsTextSays) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"true", "true"},
      {"false", "false"},
      {"null", "null"},
      {"12", "12"},
      {"-0.5", "-0.5"},
      {"0", "0"},
      {"0.25", "0.25"},
      {"1e6", "1000000"},
      {"9007199254740991", "9007199254740991"},
      // A double would be another number.
      {"9007199254740993", "\"9007199254740993\""},
      {"9007199254740995", "\"9007199254740995\""},
      {"007", "\"007\""},
      {"1e999", "\"1e999\""},
      {"nan", "\"nan\""},
      {"inf", "\"inf\""},
      {"+1", "\"+1\""},
      {".5", "\".5\""},
      {"12a", "\"12a\""},
      {"-", "\"-\""},
      {"", "\"\""},
      {"red", "\"red\""},
      {"TRUE", "\"TRUE\""},
      {"\"12\"", "\"12\""},
      {"\"a|b\"", "\"a|b\""},
      {"\"", "\"\\\"\""},
      {"a|b", "[\"a\",\"b\"]"},
      {"a|", "[\"a\"]"},
      {"|", "[]"},
      {"2026-12-31T18:00:00Z", "\"2026-12-31T18:00:00Z\""},
  };
  for (const auto& [text, json] : cases) {
    EXPECT_EQ(JsonOf(ParseChangeValue(text)), json) << text;
  }
}

TEST(ChangeValueTest, IsReadAsItWasPrinted) {
  for (const char* const text :
       {"true", "null", "12.5", "007", "red", "\"two words\"", "\"12\"",
        "\"true\"", "\"\"", "a|b", "a|", "|", "\"a|b\""}) {
    const google::protobuf::Value value = ParseChangeValue(text);
    EXPECT_EQ(FormatChangeValue(value), text);
    EXPECT_EQ(JsonOf(ParseChangeValue(FormatChangeValue(value))),
              JsonOf(value));
  }
}

TEST(ChangeValueTest, TimesAreOnesOfAClockOrACalendar) {
  EXPECT_EQ(*ParseChangeTime("t", "2026-12-31T18:00:00+01:00"), 1798736400000);
  EXPECT_EQ(*ParseChangeTime("t", "2026-12-31T17:00:00.5Z"), 1798736400500);
  EXPECT_EQ(*ParseChangeTime("t", "2026-12-31"), 1798675200000);
  EXPECT_EQ(*ParseChangeTime("t", "never"), 0);
  EXPECT_EQ(FormatChangeTime(1798736400000), "2026-12-31T17:00:00Z");
  EXPECT_EQ(FormatChangeTime(0), "never");
  for (const char* const text :
       {"", "soon", "1798736400", "2026-13-01", "2026-12-31T18:00:00",
        "1960-01-01", "infinite-future", "31.12.2026"}) {
    const auto time = ParseChangeTime("--expire", text);
    EXPECT_FALSE(time.ok()) << text;
    EXPECT_TRUE(time.status().message().substr(0, 10) == "--expire: ") << text;
  }
}

}  // namespace
}  // namespace tributary
