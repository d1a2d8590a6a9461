#include "client/load/user_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::set<std::string> DrawMany(const UserKeys& users) {
  std::mt19937_64 random(1);
  std::set<std::string> drawn;
  std::string key = "old";
  for (int i = 0; i < 1000; ++i) {
    users.Draw(&random, &key);
    drawn.insert(key);
  }
  return drawn;
}

TEST(UserKeys, AFileGivesItsLines) {
  const auto path = MakeTestDir() / "users";
  OverwriteFile(path, "ann\n\nbob lee\r\n42");
  const auto users = UserKeys::ReadFile(path);
  ASSERT_TRUE(users.ok()) << users.status();
  EXPECT_THAT(DrawMany(*users), ElementsAre("42", "ann", "bob lee"));
}

TEST(UserKeys, AFileWithoutKeysIsRefused) {
  const auto path = MakeTestDir() / "users";
  EXPECT_EQ(UserKeys::ReadFile(path).status().code(),
            absl::StatusCode::kNotFound);
  OverwriteFile(path, "\n\n");
  const absl::Status status = UserKeys::ReadFile(path).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path.string()));
}

TEST(UserKeys, ARangeIncludesBothEnds) {
  const auto users = UserKeys::ParseRange("8-11");
  ASSERT_TRUE(users.ok()) << users.status();
  EXPECT_THAT(DrawMany(*users), ElementsAre("10", "11", "8", "9"));
}

TEST(UserKeys, AMalformedRangeIsRefused) {
  for (const char* text : {"", "5", "-", "5-", "-5", "a-b", "5-4", "1-2-3",
                           "1-99999999999999999999"}) {
    EXPECT_EQ(UserKeys::ParseRange(text).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
}

TEST(UserKeys, ByDefaultEveryKeyIsNew) {
  const auto drawn = DrawMany(UserKeys());
  EXPECT_EQ(drawn.size(), 1000);
  EXPECT_THAT(*drawn.begin(), StartsWith("nobody "));
}

}  // namespace
}  // namespace tributary
