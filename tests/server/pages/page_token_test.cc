#include "server/pages/page_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/text_format.h"

namespace tributary {
namespace {

using ::testing::MatchesRegex;
using ::testing::StartsWith;

PageToken Example() {
  return {.bundle_version = 7,
          .bundle_label = "canary",
          .profile = std::string(63, 'p'),
          .level = v1::LESS_EFFORT,
          .first_asked_ms = 1'796'000'000'123,
          .request_hash = 0xfedcba9876543210,
          .offset = 40,
          .items_hash = 1};
}

TEST(PageToken, IsReadAsItWasWritten) {
  for (const PageToken& token : {Example(), PageToken()}) {
    const std::string text = FormatPageToken(token);
    EXPECT_THAT(text, MatchesRegex("[-_A-Za-z0-9]+"));
    const auto parsed = ParsePageToken(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, token);
  }
}

TEST(PageToken, WhatWasCutOrChangedIsNone) {
  const std::string text = FormatPageToken(Example());
  const auto expect_none = [](const std::string& other) {
    const auto parsed = ParsePageToken(other);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument)
        << other;
    EXPECT_THAT(std::string(parsed.status().message()),
                StartsWith("page_token: not a token of this server"));
  };
  for (size_t i = 0; i < text.size(); ++i) expect_none(text.substr(0, i));
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    std::string other = text;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    expect_none(other);
  }
  expect_none(text + "AAAA");
  expect_none("next");
  expect_none(std::string(1 << 20, 'A'));
}

TEST(HashForPages, IsOfAllButThePage) {
  const auto hash = [](const std::string& text) {
    v1::RetrieveRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
    return HashForPages(request);
  };
  EXPECT_EQ(hash("k: 9 page_size: 3 page_token: 'x'"), hash("k: 9"));
  EXPECT_NE(hash("k: 9"), hash("k: 10"));
  EXPECT_NE(hash("user_key: 'a'"), hash("user_key: 'b'"));
  // Entries of a map have no order.
  EXPECT_EQ(hash("quotas { key: 'a' value {} } quotas { key: 'b' value {} }"),
            hash("quotas { key: 'b' value {} } quotas { key: 'a' value {} }"));
}

}  // namespace
}  // namespace tributary
