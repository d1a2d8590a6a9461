#include "server/service/explain_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/util/message_differencer.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

v1::Limits SmallLimits() {
  v1::Limits limits;
  limits.set_max_explained_items(3);
  limits.set_max_quotas(16);
  limits.set_max_recent_items(5);
  limits.set_max_exclusions(5);
  limits.set_max_filter_terms(100);
  return limits;
}

std::string Parse(const std::string& bytes) {
  v1::ExplainRequest request;
  const absl::Status status = ParseExplainBytes(bytes, SmallLimits(), &request);
  if (status.ok()) return "ok";
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(ParseExplainBytes, ReadsARequest) {
  v1::ExplainRequest request;
  request.mutable_request()->set_user_key("u");
  request.mutable_request()->set_k(7);
  request.add_item_ids(1);
  request.add_item_ids(1'000'000'000'000);
  request.add_item_keys("a");
  v1::ExplainRequest parsed;
  ASSERT_TRUE(
      ParseExplainBytes(request.SerializeAsString(), SmallLimits(), &parsed)
          .ok());
  EXPECT_TRUE(
      google::protobuf::util::MessageDifferencer::Equals(parsed, request));
  EXPECT_EQ(Parse(""), "ok");
}

TEST(ParseExplainBytes, CountsListsBeforeAMessageIsBuilt) {
  v1::ExplainRequest ids;
  for (uint64_t id = 0; id < 4; ++id) ids.add_item_ids(id << 40);
  const std::string bytes = ids.SerializeAsString();
  EXPECT_EQ(Parse(bytes),
            "item_ids: more items than limits.max_explained_items, 3");
  std::string keys;
  for (int i = 0; i < 1'000'000; ++i) keys += {'\x1A', '\x00'};
  EXPECT_THAT(Parse(keys), StartsWith("item_keys: more items than "));
  // Not packed, one by one.
  std::string single;
  for (int i = 0; i < 4; ++i) single += {'\x10', '\x01'};
  EXPECT_THAT(Parse(single), StartsWith("item_ids: more items than "));

  v1::ExplainRequest recent;
  for (int i = 0; i < 6; ++i) {
    recent.mutable_request()->add_recent_item_keys("");
  }
  EXPECT_THAT(Parse(recent.SerializeAsString()),
              StartsWith("request.recent_item_keys: 6 items"));
  // Together they would be as long as the caller likes.
  std::string twice;
  for (int i = 0; i < 2; ++i) twice += {'\x0A', '\x00'};
  EXPECT_EQ(Parse(twice), "request: given 2 times");
  std::string others;
  for (int i = 0; i < 300; ++i) others += {'\x78', '\x01'};
  EXPECT_THAT(Parse(others), HasSubstr("more than 256 fields"));
}

TEST(ParseExplainBytes, WhatIsNoMessageIsRefused) {
  for (const std::string& bytes :
       {std::string("\x0A\xFF"), std::string("\x0A"), std::string("\x07"),
        std::string(1, '\0'), std::string("\x1A\x05xx")}) {
    EXPECT_THAT(Parse(bytes),
                HasSubstr("the bytes are not a tributary.v1.ExplainRequest"));
  }
  EXPECT_THAT(Parse("\x0A\x02\x0A\xFF"), StartsWith("request: the bytes are not a "));
}

TEST(ParseExplainBytes, NamesTextThatIsNotUtf8) {
  EXPECT_EQ(Parse("\x1A\x01\xFF"), "item_keys: the text is not UTF-8");
  // Field 13 of the request, the segment.
  EXPECT_EQ(Parse("\x0A\x03\x6A\x01\xFF"),
            "request.segment: the text is not UTF-8");
}

}  // namespace
}  // namespace tributary
