#include "server/versions/serving_record.h"

#include <gtest/gtest.h>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

ServingRecord Record() {
  ServingRecord record;
  record.served = {7, 5, 6};
  record.labels["canary"] = {8, Resize("canary", {}, {}, 123)};
  record.labels["night_2"] = {7, {}};
  return record;
}

TEST(ServingRecord, IsReadAsItWasWritten) {
  const auto root = MakeTestDir();
  const auto nothing = ReadServingRecord(root);
  ASSERT_TRUE(nothing.ok()) << nothing.status();
  EXPECT_EQ(*nothing, ServingRecord());
  ASSERT_TRUE(WriteServingRecord(root, Record()).ok());
  const auto record = ReadServingRecord(root);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(*record, Record());
  EXPECT_EQ(record->labels.at("canary").share(), .0123);
}

TEST(ServingRecord, DetectsFlippedBitsAndTruncation) {
  const std::string text = ServingRecordText(Record());
  for (size_t i = 0; i < text.size(); ++i) {
    std::string flipped = text;
    flipped[i] ^= static_cast<char>(1 << i % 8);
    EXPECT_EQ(ParseServingRecord(flipped).status().code(),
              absl::StatusCode::kDataLoss)
        << i;
    EXPECT_FALSE(ParseServingRecord(text.substr(0, i)).ok()) << i;
  }
}

TEST(ServingRecord, RejectsContradictions) {
  ServingRecord twice = Record();
  twice.served.push_back(7);
  ServingRecord overlapping = Record();
  overlapping.labels["other"] = {9, overlapping.labels["canary"].users};
  ServingRecord no_version = Record();
  no_version.labels["canary"].version = 0;
  ServingRecord no_name = Record();
  no_name.labels["stable"] = {9, {}};
  for (const ServingRecord& record :
       {twice, overlapping, no_version, no_name}) {
    EXPECT_EQ(ParseServingRecord(ServingRecordText(record)).status().code(),
              absl::StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace tributary
