#include "server/rpc/health_service.h"

#include <memory>

#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "server/pipeline/server_config.h"
#include "server/rpc/grpc_server.h"

namespace tributary {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

class HealthServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    v1::ServerConfig config;
    config.set_bundles("none");
    auto server = GrpcServer::Start(
        {.field = "listen",
         .address = "127.0.0.1:0",
         .services = {&health_},
         .max_calls = 4,
         .transport = CompleteServerConfig(config)->transport()});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    stub_ = Health::NewStub(grpc::CreateChannel(
        server_->address(), grpc::InsecureChannelCredentials()));
  }

  // UNKNOWN after an error.
  HealthCheckResponse::ServingStatus Check(const std::string& service) {
    grpc::ClientContext context;
    HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    status_ = stub_->Check(&context, request, &response);
    return response.status();
  }

  HealthService health_{{"a.Service"}};
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<Health::Stub> stub_;
  grpc::Status status_;
};

TEST_F(HealthServiceTest, CheckReturnsTheStatusOfEveryService) {
  EXPECT_EQ(Check(""), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check("a.Service"), HealthCheckResponse::NOT_SERVING);
  health_.SetServing(true);
  EXPECT_EQ(Check(""), HealthCheckResponse::SERVING);
  EXPECT_EQ(Check("a.Service"), HealthCheckResponse::SERVING);
  health_.Shutdown();
  health_.SetServing(true);
  EXPECT_EQ(Check(""), HealthCheckResponse::NOT_SERVING);
}

TEST_F(HealthServiceTest, CheckDoesNotFindOtherServices) {
  EXPECT_EQ(Check("b.Service"), HealthCheckResponse::UNKNOWN);
  EXPECT_EQ(status_.error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(HealthServiceTest, WatchSendsChangesAndEndsAtShutdown) {
  grpc::ClientContext context;
  const auto stream = stub_->Watch(&context, HealthCheckRequest());
  HealthCheckResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  health_.SetServing(true);
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  health_.Shutdown();
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  // With an open stream, this would take the whole hour.
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::hours(1));
}

TEST_F(HealthServiceTest, WatchOfAnUnknownServiceStaysOpen) {
  grpc::ClientContext context;
  HealthCheckRequest request;
  request.set_service("b.Service");
  const auto stream = stub_->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);
  health_.SetServing(true);
  health_.Shutdown();
  EXPECT_FALSE(stream->Read(&response));
}

TEST_F(HealthServiceTest, ForgetsWatchersThatLeave) {
  {
    grpc::ClientContext context;
    const auto stream = stub_->Watch(&context, HealthCheckRequest());
    HealthCheckResponse response;
    ASSERT_TRUE(stream->Read(&response));
    context.TryCancel();
    EXPECT_FALSE(stream->Read(&response));
  }
  health_.SetServing(true);
  EXPECT_EQ(Check(""), HealthCheckResponse::SERVING);
}

}  // namespace
}  // namespace tributary
