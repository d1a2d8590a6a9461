#include "server/access/access_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/protobuf/text_format.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(const std::string& text) {
  v1::Access access;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &access));
  return CompleteAccess(access, {"home"}).status().ToString();
}

TEST(AccessConfig, WithoutGrantsEverythingIsOpen) {
  const auto access = CompleteAccess({}, {});
  ASSERT_TRUE(access.ok()) << access.status();
  EXPECT_TRUE(access->open_health());
  EXPECT_EQ(access->jwt().clock_skew_seconds(), 60);
}

TEST(AccessConfig, NamesTheFieldThatIsWrong) {
  EXPECT_THAT(ErrorOf(R"(tokens_file: "t")"),
              HasSubstr("access.grants: without any, everybody"));
  EXPECT_THAT(ErrorOf(R"(open_health: false)"), HasSubstr("access.grants"));
  EXPECT_THAT(ErrorOf(R"(grants { roles: "retrieve" })"),
              HasSubstr("access.grants[0].who: "));
  EXPECT_THAT(ErrorOf(R"(grants { who: "socket" })"),
              HasSubstr("access.grants[0].roles: "));
  EXPECT_THAT(ErrorOf(R"(grants { who: "socket" roles: "admin" })"),
              HasSubstr("access.grants[0].roles[0]: \"admin\" is not"));
  EXPECT_THAT(ErrorOf(R"(grants { who: "root" roles: "operate" })"),
              HasSubstr("access.grants[0].who[0]: \"root\" is not cert:NAME"));
  EXPECT_THAT(ErrorOf(R"(grants { who: "cert:*a" roles: "operate" })"),
              HasSubstr("has a * that is not its end"));
  EXPECT_THAT(ErrorOf(R"(grants { who: "token:a" roles: "operate" })"),
              HasSubstr("needs access.tokens_file"));
  EXPECT_THAT(ErrorOf(R"(grants { who: "jwt:a" roles: "operate" })"),
              HasSubstr("needs access.jwt.jwks_file"));
  EXPECT_THAT(ErrorOf(R"(grants { who: "socket" roles: "retrieve"
                                  profiles: ["home", "none", "hom"] })"),
              HasSubstr("access.grants[0].profiles[2]: \"hom\" is not"));
  EXPECT_THAT(ErrorOf(R"(grants { who: "socket" roles: "operate" }
                         jwt { jwks_file: "j" })"),
              HasSubstr("access.jwt.audience: "));
}

}  // namespace
}  // namespace tributary
