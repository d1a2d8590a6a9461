#include "index/publish/s3_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kFile[] = R"(# comment
[default]
aws_access_key_id = ID1
aws_secret_access_key=SECRET/1=
[ other ]
AWS_ACCESS_KEY_ID=ID2
aws_secret_access_key = SECRET2
aws_session_token = TOKEN2
[half]
aws_access_key_id = ID3
[torn]
aws_access_key_id = ID4
aws_secret_access_key = SEC RET4
)";

class S3CredentialsTest : public testing::Test {
 protected:
  S3CredentialsTest() {
    for (const char* name :
         {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
          "AWS_SHARED_CREDENTIALS_FILE"}) {
      ::unsetenv(name);
    }
    const auto file = MakeTestDir() / "credentials";
    OverwriteFile(file, kFile);
    s3_.set_credentials_file(file);
    s3_.set_profile("default");
  }

  v1::S3 s3_;
};

TEST_F(S3CredentialsTest, AreThoseOfTheProfile) {
  const auto first = FindS3Credentials(s3_);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->access_key, "ID1");
  EXPECT_EQ(first->secret_key, "SECRET/1=");
  EXPECT_EQ(first->session_token, "");
  s3_.set_profile("other");
  const auto second = FindS3Credentials(s3_);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->access_key, "ID2");
  EXPECT_EQ(second->session_token, "TOKEN2");
}

TEST_F(S3CredentialsTest, AreTakenFromTheEnvironmentFirst) {
  ::setenv("AWS_ACCESS_KEY_ID", "ID9", 1);
  // One variable without the other does not count.
  EXPECT_EQ(FindS3Credentials(s3_)->access_key, "ID1");
  ::setenv("AWS_SECRET_ACCESS_KEY", "SECRET9", 1);
  ::setenv("AWS_SESSION_TOKEN", "TOKEN9", 1);
  EXPECT_EQ(FindS3Credentials(s3_)->access_key, "ID9");
  EXPECT_EQ(FindS3Credentials(s3_)->session_token, "TOKEN9");
}

TEST_F(S3CredentialsTest, AreReadFromTheFileThatTheEnvironmentNames) {
  ::setenv("AWS_SHARED_CREDENTIALS_FILE", s3_.credentials_file().c_str(), 1);
  s3_.clear_credentials_file();
  EXPECT_EQ(FindS3Credentials(s3_)->access_key, "ID1");
}

TEST_F(S3CredentialsTest, AreNotRepeatedInErrors) {
  for (const char* profile : {"half", "torn", "none"}) {
    s3_.set_profile(profile);
    const auto found = FindS3Credentials(s3_);
    EXPECT_TRUE(absl::IsUnauthenticated(found.status())) << profile;
    const std::string message(found.status().message());
    EXPECT_THAT(message, HasSubstr(s3_.credentials_file()));
    for (const char* secret : {"ID3", "ID4", "RET4"}) {
      EXPECT_THAT(message, Not(HasSubstr(secret)));
    }
  }
}

TEST_F(S3CredentialsTest, AreMissingWithoutAFile) {
  s3_.set_credentials_file(MakeTestDir() / "none");
  const auto found = FindS3Credentials(s3_);
  EXPECT_TRUE(absl::IsUnauthenticated(found.status())) << found.status();
}

}  // namespace
}  // namespace tributary
