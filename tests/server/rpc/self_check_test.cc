#include "server/rpc/self_check.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/pipeline/server_config.h"
#include "server/rpc/grpc_server.h"
#include "server/rpc/health_service.h"
#include "server/tls/certificate_files.h"
#include "server/tls/self_certificate.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/rpc/raw_http2.h"
#include "tests/server/tls/test_authority.h"

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

// The server's authorities of clients do not know the server itself.
TEST(SelfCheck, ShowsItsCertificateWhereClientsMustShowOne) {
  const TestAuthority root("root");
  const Issued issued = root.Issue({.names = "DNS:elsewhere.example"});
  const auto dir = MakeTestDir();
  ReplaceFile(dir / "cert", issued.certificate);
  ReplaceFile(dir / "key", issued.private_key);
  ReplaceFile(dir / "ca", root.certificate());
  v1::Tls tls;
  tls.set_certificate_file(dir / "cert");
  tls.set_private_key_file(dir / "key");
  tls.set_client_ca_file(dir / "ca");
  tls.set_require_client_certificate(true);
  tls.set_reload_interval_ms(3'600'000);
  const auto files = CertificateFiles::Open(tls, nullptr);
  ASSERT_TRUE(files.ok()) << files.status();
  const auto self = MakeSelfCertificate();
  ASSERT_TRUE(self.ok()) << self.status();
  (*files)->AddClientAuthority(self->certificate);
  HealthService health({});
  v1::ServerConfig config;
  config.set_bundles("none");
  const auto server =
      GrpcServer::Start({.field = "listen",
                         .address = "127.0.0.1:0",
                         .services = {&health},
                         .transport = CompleteServerConfig(config)->transport(),
                         .certificates = files->get()});
  ASSERT_TRUE(server.ok()) << server.status();
  SelfCheck check((*server)->address(), {.interval = milliseconds(1),
                                         .deadline = seconds(60),
                                         .encrypted = true,
                                         .certificate = *self});
  check.WaitFor(SelfCheck::kFailures + 1);
  EXPECT_TRUE(check.status().ok()) << check.status();
  const auto another = MakeSelfCertificate();
  ASSERT_TRUE(another.ok()) << another.status();
  SelfCheck stranger((*server)->address(), {.interval = milliseconds(1),
                                            .deadline = milliseconds(300),
                                            .encrypted = true,
                                            .certificate = *another});
  stranger.WaitFor(SelfCheck::kFailures);
  EXPECT_FALSE(stranger.status().ok());
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
