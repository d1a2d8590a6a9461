// The requests of an S3 store, and its errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "fmt/core.h"
#include "index/publish/open_store.h"
#include "tests/index/publish/misbehaving_server.h"

namespace tributary {
namespace {

using testing::HasSubstr;
using testing::Not;

class S3RequestTest : public testing::Test {
 protected:
  S3RequestTest() {
    ::setenv("AWS_ACCESS_KEY_ID", "IDENTITY", 1);
    ::setenv("AWS_SECRET_ACCESS_KEY", "hidden", 1);
    ::setenv("AWS_SESSION_TOKEN", "veiled", 1);
  }

  static std::unique_ptr<Store> Open(const MisbehavingServer& server) {
    StoreOptions options;
    options.s3.set_endpoint(server.url());
    options.s3.set_region("eu-x-1");
    options.download.set_attempts(1);
    return *OpenStore("s3://models/pre fix", options);
  }
};

TEST_F(S3RequestTest, SignsTheSessionsTokenAndTheContentsHash) {
  MisbehavingServer server(
      [](const WebRequest&) { return Answer("200 OK", "3\n"); });
  EXPECT_EQ(*Open(server)->ReadCurrent({}), 3);
  const auto requests = server.requests();
  const WebRequest& request = requests.at(0);
  EXPECT_EQ(request.path, "/models/pre%20fix/CURRENT");
  EXPECT_EQ(request.headers.at("x-amz-security-token"), "veiled");
  EXPECT_EQ(request.headers.at("x-amz-content-sha256"),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const std::string& authorization = request.headers.at("authorization");
  EXPECT_THAT(authorization, HasSubstr("AWS4-HMAC-SHA256"));
  EXPECT_THAT(authorization, HasSubstr("/eu-x-1/s3/aws4_request"));
  EXPECT_THAT(authorization, HasSubstr("x-amz-content-sha256;x-amz-date;"
                                       "x-amz-security-token"));
  EXPECT_THAT(authorization, Not(HasSubstr("hidden")));
}

TEST_F(S3RequestTest, HasTheBucketInTheHostNameWithoutPathStyle) {
  MisbehavingServer server(
      [](const WebRequest&) { return Answer("200 OK", "3\n"); });
  // By RFC 6761 models.localhost is this host.
  const std::string port = server.url().substr(server.url().rfind(':') + 1);
  StoreOptions options;
  options.s3.set_endpoint("http://localhost:" + port);
  options.s3.set_path_style(false);
  options.download.set_attempts(1);
  const auto store = *OpenStore("s3://models/pre fix", options);
  EXPECT_EQ(*store->ReadCurrent({}), 3);
  const auto requests = server.requests();
  EXPECT_EQ(requests.at(0).headers.at("host"), "models.localhost:" + port);
  EXPECT_EQ(requests.at(0).path, "/pre%20fix/CURRENT");
}

TEST_F(S3RequestTest, ReportsOnlyTheCodeOfAnError) {
  std::string code = "AccessDenied";
  MisbehavingServer server([&](const WebRequest&) {
    return Answer("403 Forbidden",
                  fmt::format("<Error><Code>{}</Code><Message>IDENTITY hidden "
                              "veiled</Message></Error>",
                              code));
  });
  const auto denied = Open(server)->ReadCurrent({}).status();
  EXPECT_TRUE(absl::IsPermissionDenied(denied)) << denied;
  EXPECT_EQ(denied.message(),
            "s3://models/pre fix/CURRENT: the server answered 403 "
            "AccessDenied");
  code = "hidden 1";
  EXPECT_EQ(Open(server)->ReadCurrent({}).status().message(),
            "s3://models/pre fix/CURRENT: the server answered 403");
}

TEST_F(S3RequestTest, DoesNotSendCredentialsToTheTargetOfARedirect) {
  MisbehavingServer elsewhere(
      [](const WebRequest&) { return Answer("200 OK", "3\n"); });
  MisbehavingServer server([&](const WebRequest&) {
    return Answer("307 Temporary Redirect", "",
                  fmt::format("Location: {}/x\r\n", elsewhere.url()));
  });
  EXPECT_FALSE(Open(server)->ReadCurrent({}).ok());
  EXPECT_TRUE(elsewhere.requests().empty());
}

}  // namespace
}  // namespace tributary
