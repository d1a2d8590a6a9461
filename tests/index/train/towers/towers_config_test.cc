#include "index/train/towers/towers_config.h"

#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

v1::Towers Parse(const std::string& text) {
  v1::Towers towers;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &towers));
  return towers;
}

TEST(CompleteTowers, DefaultsPassTheChecksAndStayAsTheyAre) {
  v1::Towers towers;
  ASSERT_TRUE(CompleteTowers(&towers).ok());
  const std::string once = towers.ShortDebugString();
  ASSERT_TRUE(CompleteTowers(&towers).ok());
  EXPECT_EQ(towers.ShortDebugString(), once);
}

TEST(CompleteTowers, TheDefaultTemperatureIsForTheLengthOfVectors) {
  v1::Towers normalised;
  v1::Towers free = Parse("normalize: false");
  ASSERT_TRUE(CompleteTowers(&normalised).ok());
  ASSERT_TRUE(CompleteTowers(&free).ok());
  EXPECT_EQ(normalised.temperature(), 0.07);
  EXPECT_EQ(free.temperature(), 1);
}

TEST(CompleteTowers, ColumnsThatAreNotListedAreInputsOnlyIfNoneIs) {
  v1::Towers towers = Parse("item { features { column: 'genre' } }");
  ASSERT_TRUE(CompleteTowers(&towers).ok());
  EXPECT_FALSE(towers.item().other_columns());
  EXPECT_FALSE(towers.item().text());
  EXPECT_TRUE(towers.user().other_columns());
  EXPECT_TRUE(towers.user().text());
}

TEST(CompleteTowers, RefusesWhatIsOutOfRangeNamingTheField) {
  const struct {
    const char* text;
    const char* field;
  } kCases[] = {
      {"dim: 0", "behavior.towers.dim"},
      {"interests: 17", "behavior.towers.interests"},
      {"temperature: nan", "behavior.towers.temperature"},
      {"softmax_weight: 1.1", "behavior.towers.softmax_weight"},
      {"learning_rate: 0", "behavior.towers.learning_rate"},
      {"schedule: 'linear'", "behavior.towers.schedule"},
      {"validation_share: 0.6", "behavior.towers.validation_share"},
      {"history { encoder: 'lstm' }", "behavior.towers.history.encoder"},
      {"history { encoder: 'transformer' dim: 9 heads: 2 }",
       "behavior.towers.history.heads"},
      {"history { max_items: 5 short_term_items: 6 }",
       "behavior.towers.history.short_term_items"},
      {"user { dropout: 1 }", "behavior.towers.user.dropout"},
      {"item { hidden: 0 }", "behavior.towers.item.hidden"},
      {"item { features { column: 'year' transform: 'sqrt' } }",
       "behavior.towers.item.features: \"year\": transform"},
      {"negatives { in_batch: false sampled: 0 }", "behavior.towers.negatives"},
  };
  for (const auto& one : kCases) {
    v1::Towers towers = Parse(one.text);
    const absl::Status status = CompleteTowers(&towers);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << one.text;
    EXPECT_THAT(std::string(status.message()), StartsWith(one.field));
    EXPECT_THAT(std::string(status.message()), HasSubstr("expected"));
  }
}

}  // namespace
}  // namespace tributary
