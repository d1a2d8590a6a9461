#include "server/service/fixed_level.h"

#include <gtest/gtest.h>

#include <string>

#include "fmt/format.h"
#include "server/pages/page_token.h"

namespace tributary {
namespace {

std::string Token(v1::ServiceLevel level) {
  PageToken token;
  token.level = level;
  return FormatPageToken(token);
}

TEST(FixedLevel, IsThatOfTheToken) {
  EXPECT_EQ(FixedLevel(Token(v1::FULL_SERVICE)), v1::FULL_SERVICE);
  EXPECT_EQ(FixedLevel(Token(v1::FEWER_SOURCES)), v1::FEWER_SOURCES);
  EXPECT_EQ(FixedLevel(""), v1::ServiceLevel_MAX);
  EXPECT_EQ(FixedLevel("none"), v1::ServiceLevel_MAX);
}

TEST(FixedLevel, IsReadOffJson) {
  const std::string token = Token(v1::LESS_EFFORT);
  for (const char* json :
       {R"({{"k":3,"pageToken":"{}"}})", R"({{"page_token" : "{}","k":3}})",
        "{{'pageToken':\n'{}'}}",
        R"({{"userKey":"pageToken","pageToken":"x","pageToken":"{}"}})"}) {
    EXPECT_EQ(FixedLevelInJson(fmt::format(fmt::runtime(json), token)),
              v1::LESS_EFFORT)
        << json;
  }
  for (const char* json :
       {"", "{}", R"({"pageToken":""})", R"({"pageToken":)", "pageToken",
        R"({"pageToken":"abc)", R"({"pageToken":"abc"})"}) {
    EXPECT_EQ(FixedLevelInJson(json), v1::ServiceLevel_MAX) << json;
  }
}

}  // namespace
}  // namespace tributary
