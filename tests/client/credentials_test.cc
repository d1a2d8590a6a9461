#include "client/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "client/token_file.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() { std::filesystem::create_directory(dir_); }
  ~CredentialsTest() override { std::filesystem::remove_all(dir_); }

  std::string Write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = dir_ / name;
    std::ofstream(path.string() + ".next") << text;
    std::filesystem::rename(path.string() + ".next", path);
    return path;
  }
  static std::string Open(const ClientCredentials& credentials,
                          const std::string& address = "10.0.0.1:7700") {
    return OpenChannel(address, credentials, {}).status().ToString();
  }

  const std::filesystem::path dir_ =
      std::filesystem::path(testing::TempDir()) /
      ("credentials-" + std::to_string(::getpid()));
};

constexpr char kPem[] = "-----BEGIN CERTIFICATE-----\n";

TEST_F(CredentialsTest, WithoutAnyTheConnectionIsPlain) {
  EXPECT_TRUE(ClientCredentials().empty());
  EXPECT_EQ(Open({}), "OK");
}

TEST_F(CredentialsTest, NamesTheFieldThatIsWrong) {
  EXPECT_THAT(Open({.ca_file = dir_ / "none"}),
              AllOf(HasSubstr("NOT_FOUND: ca_file: "), HasSubstr("none")));
  EXPECT_THAT(Open({.ca_file = Write("ca", "no pem")}),
              HasSubstr("ca: expected certificates (PEM)"));
  const std::string pem = Write("pem", kPem);
  EXPECT_THAT(Open({.ca_file = pem, .certificate_file = pem}),
              HasSubstr("private_key_file: expected both or neither"));
  EXPECT_THAT(
      Open({.certificate_file = pem, .private_key_file = pem}),
      HasSubstr("certificate_file: certificates are shown on encrypted"));
  EXPECT_THAT(Open({.server_name = "a"}), HasSubstr("server_name: "));
}

TEST_F(CredentialsTest, ATokenTravelsEncryptedOrNotAtAll) {
  const std::string token = Write("token", "secret\n");
  EXPECT_THAT(
      Open({.token_file = token}),
      AllOf(HasSubstr("FAILED_PRECONDITION: token_file: the token would "
                      "go to 10.0.0.1:7700 unencrypted"),
            Not(HasSubstr("secret"))));
  EXPECT_EQ(Open({.token_file = token}, "127.0.0.1:7700"), "OK");
  EXPECT_EQ(Open({.token_file = token}, "unix:/a/b"), "OK");
  EXPECT_EQ(Open({.ca_file = "system", .token_file = token}), "OK");
}

TEST_F(CredentialsTest, ATokenIsTheFirstLine) {
  const auto file = TokenFile::Open(Write("token", "first\r\nsecond\n"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->Authorization(), "Bearer first");
  for (const char* const text : {"", "\n", "a b\n", "a\tb"}) {
    EXPECT_THAT(TokenFile::Open(Write("bad", text)).status().ToString(),
                HasSubstr("expected a token in the first line"));
  }
}

TEST_F(CredentialsTest, AnotherTokenIsTakenWhenThereIsOne) {
  const auto file = TokenFile::Open(Write("token", "first"));
  ASSERT_TRUE(file.ok()) << file.status();
  Write("token", "");
  EXPECT_EQ((*file)->Authorization(), "Bearer first");
  Write("token", "second");
  EXPECT_EQ((*file)->Authorization(), "Bearer second");
  std::filesystem::remove(dir_ / "token");
  EXPECT_EQ((*file)->Authorization(), "Bearer second");
}

}  // namespace
}  // namespace tributary
