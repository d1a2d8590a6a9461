// Calls as the metrics count them: by method and code, by label and profile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <cstdlib>
#include <set>
#include <sstream>
#include <string>

#include "fmt/format.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/server/rpc/running_server.h"
#include "tributary/v1/explain.grpc.pb.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CountedCalls : public testing::Test {
 protected:
  CountedCalls() {
    WriteTinyBundle(root_, 1);
    config_ = ConfigFor(root_);
    config_.add_profiles()->set_name("home");
  }

  static httplib::Result Get(const std::string& address,
                             const std::string& path) {
    httplib::Client client("127.0.0.1",
                           std::atoi(address.c_str() + address.rfind(':') + 1));
    return client.Get(path.c_str());
  }

  const std::filesystem::path root_ = MakeTestDir();
  v1::ServerConfig config_;
};

std::string Handled(const std::string& service, const std::string& method,
                    const std::string& code, int count) {
  return fmt::format(
      "grpc_server_handled_total{{grpc_service=\"{}\",grpc_method=\"{}\","
      "grpc_code=\"{}\"}} {}\n",
      service, method, code, count);
}

std::string Requests(const std::string& label, const std::string& profile,
                     const std::string& code, int count) {
  return fmt::format(
      "tributary_requests_total{{label=\"{}\",profile=\"{}\",code=\"{}\"}} {}"
      "\n",
      label, profile, code, count);
}

TEST_F(CountedCalls, EveryMethodIsThereWithItsCodes) {
  RunningServer running(config_);
  const std::string& http = running.server().http_address();
  const auto health = grpc::health::v1::Health::NewStub(
      ChannelTo(running.server().grpc_address()));
  for (const char* const service : {"", "", "none"}) {
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    grpc::health::v1::HealthCheckResponse response;
    grpc::ClientContext context;
    health->Check(&context, request, &response);
  }
  Get(http, "/healthz");
  Get(http, "/healthz");
  Get(running.server().admin_address(), "/healthz");
  Get(http, "/v1/status");
  Get(http, "/console");
  const std::string metrics = Get(http, "/metrics")->body;
  EXPECT_THAT(metrics,
              HasSubstr(Handled("grpc.health.v1.Health", "Check", "OK", 2)));
  EXPECT_THAT(metrics, HasSubstr(Handled("grpc.health.v1.Health", "Check",
                                         "NotFound", 1)));
  // Of both listeners.
  EXPECT_THAT(metrics, HasSubstr(Handled("http_get", "GET /healthz", "OK", 3)));
  EXPECT_THAT(metrics,
              HasSubstr(Handled("http_get", "GET /v1/status", "OK", 1)));
  EXPECT_THAT(metrics, HasSubstr(Handled("http_get", "GET /console", "OK", 1)));
  for (const auto* const service : {v1::Retrieval::service_full_name(),
                                    v1::Explanation::service_full_name(),
                                    v1::Bundles::service_full_name()}) {
    const auto* const descriptor =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
            service);
    ASSERT_NE(descriptor, nullptr);
    for (int i = 0; i < descriptor->method_count(); ++i) {
      EXPECT_THAT(
          metrics,
          HasSubstr(Handled(service, descriptor->method(i)->name(), "OK", 0)));
    }
  }
}

TEST_F(CountedCalls, RequestsAreCountedByLabelProfileAndCode) {
  RunningServer running(config_);
  v1::RetrieveResponse response;
  v1::RetrieveRequest request = TinyRequest();
  EXPECT_TRUE(running.Retrieve(request, &response).ok());
  request.set_profile("home");
  EXPECT_TRUE(running.Retrieve(request, &response).ok());
  request.set_k(1'000'000);
  EXPECT_FALSE(running.Retrieve(request, &response).ok());
  request.clear_profile();
  EXPECT_FALSE(running.Retrieve(request, &response).ok());
  const std::string metrics =
      Get(running.server().http_address(), "/metrics")->body;
  EXPECT_THAT(metrics, HasSubstr(Requests("stable", "", "OK", 1)));
  EXPECT_THAT(metrics, HasSubstr(Requests("stable", "home", "OK", 1)));
  EXPECT_THAT(metrics,
              HasSubstr(Requests("stable", "home", "InvalidArgument", 1)));
  EXPECT_THAT(metrics, HasSubstr(Requests("stable", "", "InvalidArgument", 1)));
}

TEST_F(CountedCalls, UnknownNamesMakeNoNewOnes) {
  RunningServer running(config_);
  v1::RetrieveResponse response;
  for (int i = 0; i < 200; ++i) {
    v1::RetrieveRequest request = TinyRequest();
    (i % 2 == 0 ? request.mutable_profile() : request.mutable_bundle_label())
        ->assign(fmt::format("invented-{}", i));
    EXPECT_FALSE(running.Retrieve(request, &response).ok());
  }
  const std::string metrics =
      Get(running.server().http_address(), "/metrics")->body;
  EXPECT_THAT(metrics, Not(HasSubstr("invented")));
  EXPECT_THAT(metrics,
              HasSubstr(Requests("stable", "", "InvalidArgument", 100)));
  EXPECT_THAT(metrics, HasSubstr(Handled("tributary.v1.Retrieval", "Retrieve",
                                         "NotFound", 100)));
}

}  // namespace
}  // namespace tributary
