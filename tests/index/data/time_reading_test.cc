#include "index/data/time_reading.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;

// 1 June 2025.
constexpr int64_t kNowS = 1748736000;
// 31 January 2025 12:00:00.
constexpr int64_t kNoonS = 1738324800;

absl::StatusOr<std::optional<TimeReading>> Choose(
    const std::vector<std::string>& values) {
  TimeProfile profile(kNowS);
  uint64_t line = 2;
  for (const std::string& value : values) profile.Add(value, line++);
  return profile.Choose("events.csv", "when");
}

struct Known {
  std::string text;
  std::string name;
  int64_t time_s = kNoonS;
};

TEST(TimeProfile, RecognisesEveryUnitAndForm) {
  for (const Known& known : {
           Known{"1738324800", "seconds since 1970"},
           Known{"1738324800.75", "seconds since 1970"},
           Known{"1738324800123", "milliseconds since 1970"},
           Known{"1738324800123456", "microseconds since 1970"},
           Known{"1738324800123456789", "nanoseconds since 1970"},
           Known{"20250131", "YYYYMMDD", kNoonS - 43200},
           Known{"20250131.0", "YYYYMMDD", kNoonS - 43200},
           Known{"202501311200", "YYYYMMDDhhmm"},
           Known{"20250131120000", "YYYYMMDDhhmmss"},
           Known{"2025-01-31", "ISO 8601", kNoonS - 43200},
           Known{"2025/01/31 12:00", "ISO 8601"},
           Known{"2025-01-31T13:00:00.5+01:00", "ISO 8601"},
           Known{"2025-01-31 12:00:00 UTC", "ISO 8601"},
           Known{"2025-01-31T12:00:00Z", "ISO 8601"},
       }) {
    auto reading = Choose({known.text, "", known.text, "NaT"});
    ASSERT_TRUE(reading.ok()) << known.text << reading.status();
    ASSERT_TRUE(reading->has_value()) << known.text;
    EXPECT_EQ((*reading)->Name(), known.name) << known.text;
    EXPECT_EQ((*reading)->Parse(known.text), known.time_s) << known.text;
    EXPECT_EQ((*reading)->Parse(""), 0);
    EXPECT_EQ((*reading)->Parse("0"), 0);
  }
}

TEST(TimeProfile, AColumnWithoutValuesHasNoReading) {
  const auto reading = Choose({"", "null", "0"});
  ASSERT_TRUE(reading.ok());
  EXPECT_FALSE(reading->has_value());
}

TEST(TimeProfile, RefusesWhatIsNoCredibleTimeAndSaysWhatWasTried) {
  const auto reading = Choose({"5", "6", "7"});
  EXPECT_EQ(reading.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string message(reading.status().message());
  EXPECT_THAT(message, HasSubstr("events.csv:2: column \"when\": 5"));
  EXPECT_THAT(message, HasSubstr("as seconds since 1970 it is 1970-01-01"));
  EXPECT_THAT(message, HasSubstr("--input.time_format"));
  EXPECT_FALSE(Choose({"4102444800", "4102444801"}).ok());  // the year 2100
}

TEST(TimeProfile, RefusesDayFirstFormsAndShowsOne) {
  for (const std::string day_first :
       {"29-01-2025 07:01", "01/29/2025", "29.1.25", "yesterday"}) {
    const auto reading = Choose({day_first, day_first, "2025-01-29"});
    EXPECT_EQ(reading.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(reading.status().message()),
                HasSubstr("\"" + day_first + "\" is no time of a known form"));
  }
}

TEST(TimeProfile, SingleValuesThatDoNotFitAreForTheirLinesToLose) {
  std::vector<std::string> values(200, "1738324800");
  values.push_back("yesterday");
  values.push_back("12");
  auto reading = Choose(values);
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_EQ((*reading)->Parse("yesterday"), std::nullopt);
}

TEST(TimeProfile, AColumnOfTwoFormsIsRefused) {
  EXPECT_FALSE(Choose({"1738324800", "1738324800123", "1738324801"}).ok());
}

TEST(TimeReading, TakesWhatIsStated) {
  auto german = TimeReading::FromText("%d.%m.%Y %H:%M");
  ASSERT_TRUE(german.ok());
  EXPECT_EQ(german->Parse("31.01.2025 12:00"), kNoonS);
  EXPECT_EQ(german->Parse("2025-01-31"), std::nullopt);
  auto seconds = TimeReading::FromText("seconds");
  ASSERT_TRUE(seconds.ok());
  // Relative times are credible to those who state them.
  EXPECT_EQ(seconds->Parse("5"), 5);
  EXPECT_EQ(TimeReading::FromText("milliseconds")->Parse("5000"), 5);
  EXPECT_EQ(seconds->Parse("1e300"), std::nullopt);
  EXPECT_THAT(std::string(TimeReading::FromText("days").status().message()),
              HasSubstr("expected auto, seconds"));
}

}  // namespace
}  // namespace tributary
