#include "server/pages/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

namespace tributary {
namespace {

using ::testing::StartsWith;

v1::RetrieveRequest Request(uint32_t size, const std::string& token = "") {
  v1::RetrieveRequest request;
  request.set_user_key("u");
  request.set_page_size(size);
  request.set_page_token(token);
  return request;
}

Page Begin(const v1::RetrieveRequest& request, uint64_t version = 7) {
  const auto page = BeginPage(request, version, v1::FULL_SERVICE, 1000);
  EXPECT_TRUE(page.ok()) << page.status();
  EXPECT_TRUE(page->has_value());
  return **page;
}

std::vector<uint32_t> List(uint32_t length) {
  std::vector<uint32_t> rows(length);
  std::iota(rows.begin(), rows.end(), 100);
  return rows;
}

TEST(BeginPage, IsNothingForAWholeList) {
  const auto page = BeginPage(v1::RetrieveRequest(), 7, v1::FULL_SERVICE, 1000);
  ASSERT_TRUE(page.ok());
  EXPECT_FALSE(page->has_value());
}

TEST(Pages, CoverTheListWithoutRepeatingOrSkipping) {
  for (const uint32_t length : {0U, 1U, 5U, 6U, 7U, 12U, 13U}) {
    for (const uint32_t size : {1U, 2U, 6U, 7U, 100U}) {
      const std::vector<uint32_t> rows = List(length);
      std::vector<uint32_t> seen;
      std::string token;
      uint32_t pages = 0;
      do {
        const Page page = Begin(Request(size, token));
        const auto place = PlacePage(page, rows, &token);
        ASSERT_TRUE(place.ok()) << place.status();
        EXPECT_LE(place->second - place->first, size);
        for (uint32_t i = place->first; i < place->second; ++i) {
          seen.push_back(rows[i]);
        }
        ASSERT_LE(++pages, length + 1);
      } while (!token.empty());
      EXPECT_EQ(seen, rows);
      EXPECT_EQ(pages, std::max(1U, (length + size - 1) / size));
    }
  }
}

TEST(Pages, SizesMayChange) {
  const std::vector<uint32_t> rows = List(10);
  std::string token;
  ASSERT_TRUE(PlacePage(Begin(Request(3)), rows, &token).ok());
  // Without a size: the rest.
  const auto rest = PlacePage(Begin(Request(0, token)), rows, &token);
  ASSERT_TRUE(rest.ok());
  EXPECT_EQ(*rest, std::pair(3U, 10U));
  EXPECT_EQ(token, "");
}

TEST(Pages, WhatTheFirstPageFixedStays) {
  std::string token;
  Page first = Begin(Request(3));
  first.begin.profile = "home";
  first.begin.bundle_label = "canary";
  ASSERT_TRUE(PlacePage(first, List(10), &token).ok());
  const auto second =
      BeginPage(Request(3, token), 7, v1::POPULARITY_ONLY, 2000);
  ASSERT_TRUE(second.ok() && second->has_value());
  EXPECT_EQ((*second)->begin.profile, "home");
  EXPECT_EQ((*second)->begin.bundle_label, "canary");
  EXPECT_EQ((*second)->begin.level, v1::FULL_SERVICE);
  EXPECT_EQ((*second)->begin.first_asked_ms, 1000);
}

TEST(Pages, ATokenIsForItsOwnRequest) {
  std::string token;
  ASSERT_TRUE(PlacePage(Begin(Request(3)), List(10), &token).ok());
  v1::RetrieveRequest other = Request(3, token);
  other.set_user_key("v");
  const auto page = BeginPage(other, 7, v1::FULL_SERVICE, 1000);
  EXPECT_EQ(page.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(page.status().message()),
              StartsWith("page_token: of another request"));
}

TEST(Pages, AnotherVersionAborts) {
  std::string token;
  ASSERT_TRUE(PlacePage(Begin(Request(3)), List(10), &token).ok());
  const auto page = BeginPage(Request(3, token), 8, v1::FULL_SERVICE, 1000);
  EXPECT_EQ(page.status().code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(page.status().message()),
              StartsWith("page_token: of version 7, but version 8 answers"));
}

TEST(Pages, AnotherListAborts) {
  std::string token;
  ASSERT_TRUE(PlacePage(Begin(Request(3)), List(10), &token).ok());
  const Page second = Begin(Request(3, token));
  std::vector<uint32_t> swapped = List(10);
  std::swap(swapped[0], swapped[1]);
  std::vector<uint32_t> replaced = List(10);
  replaced[2] = 7;
  for (const std::vector<uint32_t>& rows : {swapped, replaced, List(2)}) {
    const auto place = PlacePage(second, rows, &token);
    EXPECT_EQ(place.status().code(), absl::StatusCode::kAborted);
    EXPECT_THAT(std::string(place.status().message()),
                StartsWith("page_token: the list is not the one"));
    EXPECT_EQ(token, "");
  }
  // What comes after the page may change.
  std::vector<uint32_t> longer = List(11);
  longer[5] = 7;
  EXPECT_TRUE(PlacePage(second, longer, &token).ok());
}

}  // namespace
}  // namespace tributary
