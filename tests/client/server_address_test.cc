#include "client/server_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "client/retrieval_client.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(CheckServerAddress, TakesWhatGrpcTakes) {
  for (const char* address :
       {"localhost:7700", "10.1.2.3:1", "[::1]:7700", "a.b.svc:65535",
        "unix:/run/s", "dns:///host:7700", "ipv4:127.0.0.1:7700"}) {
    EXPECT_TRUE(CheckServerAddress("address", address).ok()) << address;
  }
}

TEST(CheckServerAddress, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"http://localhost:7700", "is a URL: expected host:port, localhost:7700"},
      {"https://a.b:7700/v1/retrieve",
       "is a URL: expected host:port, a.b:7700"},
      {"grpc://a.b:7700", "is a URL"},
      {"localhost", "has no port: expected host:port, such as localhost:7700"},
      {"::1", "has no port: expected host:port, such as [::1]:7700"},
      {"[::1]", "has no port: expected host:port, such as [::1]:7700"},
      {"localhost:", "has \"\" for a port"},
      {"localhost:0", "has \"0\" for a port"},
      {"localhost:65536", "has \"65536\" for a port"},
      {"localhost:7700/", "has \"7700/\" for a port"},
      {"", "is empty"},
  };
  for (const auto& [address, what] : cases) {
    const absl::Status status = CheckServerAddress("control", address);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << address;
    EXPECT_THAT(std::string(status.message()),
                AllOf(testing::StartsWith("control: \""), HasSubstr(what)));
  }
  EXPECT_TRUE(
      absl::IsInvalidArgument(RetrievalClient::Connect("localhost").status()));
}

TEST(IsLoopback, ByNameAndNumber) {
  for (const char* address :
       {"localhost:1", "a.localhost:1", "127.0.0.1:1", "127.8.9.1:1", "[::1]:1",
        "unix:/s", "dns:///localhost:1", "ipv4:127.0.0.1:1"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
  for (const char* address :
       {"localhost.example.com:1", "10.0.0.1:1", "[::2]:1", "a:1"}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

class ExplainTest : public testing::Test {
 protected:
  void SetUp() override { Clear(); }
  void TearDown() override { Clear(); }
  static void Clear() {
    for (const char* name : {"grpc_proxy", "https_proxy", "http_proxy",
                             "no_proxy", "no_grpc_proxy"}) {
      unsetenv(name);
    }
  }
};

TEST_F(ExplainTest, NamesTheProxyThatWasUsed) {
  EXPECT_EQ(ExplainUnavailable("a.b:1", "refused"), "refused");
  setenv("http_proxy", "http://me:secret@proxy:3128", 1);
  const std::string explained = ExplainUnavailable("a.b:1", "refused");
  EXPECT_THAT(explained,
              AllOf(HasSubstr("refused; "), HasSubstr("http://proxy:3128"),
                    HasSubstr("the variable http_proxy"),
                    testing::Not(HasSubstr("secret"))));
  setenv("grpc_proxy", "http://other:1", 1);
  EXPECT_THAT(ExplainUnavailable("a.b:1", "refused"),
              HasSubstr("the variable grpc_proxy"));
  // gRPC uses none for these.
  EXPECT_EQ(ExplainUnavailable("localhost:1", "refused"), "refused");
  setenv("no_proxy", "c.d, a.b", 1);
  EXPECT_EQ(ExplainUnavailable("a.b:1", "refused"), "refused");
}

TEST_F(ExplainTest, TellsAnHttpPort) {
  EXPECT_THAT(ExplainUnavailable(
                  "localhost:7701",
                  "failed to connect; Trying to connect an http1.x server"),
              HasSubstr("localhost:7701 answers HTTP/1, not gRPC"));
}

// Nobody listens on the proxy's port.
TEST_F(ExplainTest, CallsToLoopbackUseNoProxy) {
  setenv("http_proxy", "http://127.0.0.1:9", 1);
  grpc::ChannelArguments none;
  SetProxyFor("127.0.0.1:7700", &none);
  const grpc_channel_args args = none.c_channel_args();
  bool disabled = false;
  for (size_t i = 0; i < args.num_args; ++i) {
    disabled = disabled ||
               (std::string(args.args[i].key) == GRPC_ARG_ENABLE_HTTP_PROXY &&
                args.args[i].value.integer == 0);
  }
  EXPECT_TRUE(disabled);
  grpc::ChannelArguments some;
  SetProxyFor("a.b:7700", &some);
  EXPECT_LT(some.c_channel_args().num_args, args.num_args);
}

}  // namespace
}  // namespace tributary
