#include "server/rpc/self_check.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/pipeline/server_config.h"
#include "server/rpc/grpc_server.h"
#include "server/rpc/health_service.h"
#include "tests/server/rpc/raw_http2.h"

namespace tributary {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

std::unique_ptr<GrpcServer> StartWith(uint32_t max_connections,
                                      grpc::Service* service) {
  v1::ServerConfig config;
  config.set_bundles("none");
  config.mutable_transport()->set_max_connections(max_connections);
  auto server = GrpcServer::Start(
      {.field = "listen",
       .address = "127.0.0.1:0",
       .services = {service},
       .transport = CompleteServerConfig(config)->transport()});
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

TEST(SelfCheck, IsOkWhileNewClientsAreAnswered) {
  HealthService health({});
  const auto server = StartWith(4, &health);
  SelfCheck check(server->address(),
                  {.interval = milliseconds(1), .deadline = seconds(60)});
  check.WaitFor(SelfCheck::kFailures + 1);
  EXPECT_TRUE(check.status().ok()) << check.status();
}

TEST(SelfCheck, FailsWhileNewConnectionsAreNotAccepted) {
  HealthService health({});
  const auto server = StartWith(1, &health);
  auto held = std::make_unique<RawHttp2>(server->address());
  // The server's settings: the connection is accepted.
  ASSERT_TRUE(held->ReadUntil(kSettingsFrame));
  SelfCheck check(server->address(),
                  {.interval = milliseconds(1), .deadline = milliseconds(20)});
  check.WaitFor(SelfCheck::kFailures);
  EXPECT_EQ(check.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(check.status().message()),
              HasSubstr("new connections to 127.0.0.1:"));
}

TEST(SelfCheck, IsOkAgainWhenTheyAre) {
  HealthService health({});
  auto server = StartWith(4, &health);
  const std::string address = server->address();
  server.reset();
  // A deadline within which a server can be started.
  SelfCheck check(address,
                  {.interval = milliseconds(1), .deadline = milliseconds(500)});
  check.WaitFor(SelfCheck::kFailures);
  EXPECT_FALSE(check.status().ok());
  HealthService other({});
  v1::ServerConfig config;
  config.set_bundles("none");
  const auto again = GrpcServer::Start(
      {.field = "listen",
       .address = address,
       .services = {&other},
       .transport = CompleteServerConfig(config)->transport()});
  ASSERT_TRUE(again.ok()) << again.status();
  while (!check.status().ok()) check.WaitFor(1);
}

TEST(SelfCheck, ReachesAServerThatListensOnAllAddresses) {
  EXPECT_EQ(LocalTarget("*:7700"), "127.0.0.1:7700");
  EXPECT_EQ(LocalTarget("0.0.0.0:7700"), "127.0.0.1:7700");
  EXPECT_EQ(LocalTarget("[::]:7700"), "127.0.0.1:7700");
  EXPECT_EQ(LocalTarget("10.1.2.3:7700"), "10.1.2.3:7700");
  EXPECT_EQ(LocalTarget("unix:/a/b"), "unix:/a/b");
}

}  // namespace
}  // namespace tributary
