#include "server/rpc/grpc_server.h"

#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "server/pipeline/server_config.h"
#include "server/rpc/health_service.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/rpc/ask_reflection.h"
#include "tests/server/rpc/raw_http2.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<std::unique_ptr<GrpcServer>> StartAt(const std::string& address,
                                                    grpc::Service* service) {
  v1::ServerConfig config;
  config.set_bundles("none");
  return GrpcServer::Start(
      {.field = "control",
       .address = address,
       .services = {service},
       .max_calls = 4,
       .transport = CompleteServerConfig(config)->transport()});
}

grpc::Status CheckHealthAt(const std::string& address) {
  const auto stub = grpc::health::v1::Health::NewStub(
      grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckResponse response;
  return stub->Check(&context, {}, &response);
}

TEST(GrpcServer, ItsAddressHasThePortThatWasTaken) {
  HealthService health({});
  const auto server = StartAt("127.0.0.1:0", &health);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_THAT((*server)->address(),
              testing::MatchesRegex("127\\.0\\.0\\.1:[1-9][0-9]*"));
  EXPECT_TRUE(CheckHealthAt((*server)->address()).ok());
}

TEST(GrpcServer, RefusesAPortThatIsTaken) {
  HealthService first_health({});
  HealthService second_health({});
  const auto first = StartAt("127.0.0.1:0", &first_health);
  ASSERT_TRUE(first.ok());
  const auto second = StartAt((*first)->address(), &second_health);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("control: cannot listen on " + (*first)->address()));
}

TEST(GrpcServer, RefusesMalformedAddresses) {
  HealthService health({});
  for (const char* address : {"", "7700", "host:", ":7700", "unix:"}) {
    const auto server = StartAt(address, &health);
    EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument)
        << address;
    EXPECT_THAT(std::string(server.status().message()), HasSubstr("control: "));
  }
  const auto long_path = StartAt("unix:/" + std::string(200, 'x'), &health);
  EXPECT_EQ(long_path.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(GrpcServer, OnlyTheOwnerMayUseItsUnixSocket) {
  const std::string path = MakeTestDir() / "control.sock";
  HealthService health({});
  const auto server = StartAt("unix:" + path, &health);
  ASSERT_TRUE(server.ok()) << server.status();
  struct stat file {};
  ASSERT_EQ(stat(path.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600);
  EXPECT_EQ((*server)->address(), "unix:" + path);
  EXPECT_TRUE(CheckHealthAt("unix:" + path).ok());
}

TEST(GrpcServer, ReplacesASocketThatNoServerAnswersOn) {
  const std::string path = MakeTestDir() / "control.sock";
  HealthService health({});
  {
    const auto server = StartAt("unix:" + path, &health);
    ASSERT_TRUE(server.ok());
    // A process that is killed leaves its socket like this.
    std::filesystem::create_hard_link(path, path + ".left");
  }
  std::filesystem::remove(path);
  std::filesystem::rename(path + ".left", path);
  HealthService other({});
  const auto server = StartAt("unix:" + path, &other);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_TRUE(CheckHealthAt("unix:" + path).ok());
}

TEST(GrpcServer, DoesNotReplaceOtherServersSocketsOrFiles) {
  const std::filesystem::path dir = MakeTestDir();
  HealthService first_health({});
  HealthService second_health({});
  const std::string address = "unix:" + (dir / "control.sock").native();
  const auto first = StartAt(address, &first_health);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(StartAt(address, &second_health).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_TRUE(CheckHealthAt(address).ok());

  OverwriteFile(dir / "file", "text");
  EXPECT_EQ(StartAt("unix:" + (dir / "file").native(), &second_health)
                .status()
                .code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReadFile(dir / "file"), "text");
  const auto no_dir =
      StartAt("unix:" + (dir / "none/s").native(), &second_health);
  EXPECT_EQ(no_dir.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(no_dir.status().message()),
              HasSubstr((dir / "none").native()));
}

// gRPC reads on for as long as there are frames.
TEST(GrpcServer, DescribesItsServicesByReflection) {
  HealthService health({});
  const auto server = StartAt("127.0.0.1:0", &health);
  ASSERT_TRUE(server.ok());
  EXPECT_THAT(AskReflection((*server)->address(), "\x3a\x01*"),
              HasSubstr("grpc.health.v1.Health"));
  EXPECT_THAT(
      AskReflection((*server)->address(), "\x22\x15grpc.health.v1.Health"),
      HasSubstr("SERVICE_UNKNOWN"));
}

}  // namespace
}  // namespace tributary
