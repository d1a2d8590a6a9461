// Load reports of a whole server, as clients see them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "tests/server/rpc/renaming_relay.h"
#include "tests/server/rpc/running_server.h"
#include "tributary/v1/explain.grpc.pb.h"
#include "xds/service/orca/v3/orca.grpc.pb.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using xds::data::orca::v3::OrcaLoadReport;
using xds::service::orca::v3::OpenRcaService;
using xds::service::orca::v3::OrcaLoadReportRequest;

constexpr char kTrailer[] = "endpoint-load-metrics-bin";
// gRPC 1.51 keeps the trailer for its balancers.
constexpr char kShown[] = "xndpoint-load-metrics-bin";

class LoadReports : public testing::Test {
 protected:
  LoadReports() {
    WriteTinyBundle(root_, 1);
    config_ = ConfigFor(root_);
    config_.mutable_load_reports()->set_in_trailers(true);
    config_.mutable_load_reports()->set_out_of_band(true);
    config_.mutable_load_reports()->set_min_interval_ms(20);
  }

  const std::filesystem::path root_ = MakeTestDir();
  v1::ServerConfig config_;
};

// The report in the trailers of a call; nothing without one.
std::optional<OrcaLoadReport> ReportIn(const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find(kShown);
  if (found == trailers.end()) return std::nullopt;
  OrcaLoadReport report;
  EXPECT_TRUE(report.ParseFromArray(found->second.data(),
                                    static_cast<int>(found->second.size())));
  return report;
}

httplib::Result PostTo(const RunningServer& running, const std::string& json) {
  const std::string& address = running.server().http_address();
  httplib::Client client("127.0.0.1",
                         std::atoi(address.c_str() + address.rfind(':') + 1));
  return client.Post("/v1/retrieve", json, "application/json");
}

TEST_F(LoadReports, EveryAnswerOfTheDataPlaneHasOne) {
  RunningServer running(config_);
  const RenamingRelay relay(running.server().grpc_address(), kTrailer, kShown);
  const auto channel = ChannelTo(relay.address());
  const auto stub = v1::Retrieval::NewStub(channel);
  v1::BatchRetrieveRequest batch;
  *batch.add_requests() = TinyRequest();
  {
    grpc::ClientContext context;
    v1::RetrieveResponse response;
    ASSERT_TRUE(stub->Retrieve(&context, TinyRequest(), &response).ok());
    ASSERT_TRUE(ReportIn(context).has_value());
    EXPECT_GT(ReportIn(context)->mem_utilization(), 0);
  }
  {
    grpc::ClientContext context;
    v1::BatchRetrieveResponse response;
    ASSERT_TRUE(stub->BatchRetrieve(&context, batch, &response).ok());
    EXPECT_TRUE(ReportIn(context).has_value());
  }
  {
    grpc::ClientContext context;
    const auto reader = stub->StreamRetrieve(&context, batch);
    v1::BatchRetrieveResponse part;
    while (reader->Read(&part)) {
    }
    ASSERT_TRUE(reader->Finish().ok());
    EXPECT_TRUE(ReportIn(context).has_value());
  }
  {
    // An error, and a refusal before anything is done.
    for (const uint32_t k : {1'000'000, 3}) {
      grpc::ClientContext context;
      v1::RetrieveRequest request = TinyRequest();
      request.set_k(k);
      if (k == 3) {
        for (int i = 0; i < 100'000; ++i) request.add_recent_item_keys("a");
      }
      v1::RetrieveResponse response;
      ASSERT_EQ(stub->Retrieve(&context, request, &response).error_code(),
                grpc::StatusCode::INVALID_ARGUMENT);
      EXPECT_TRUE(ReportIn(context).has_value()) << k;
    }
  }
  {
    grpc::ClientContext context;
    v1::ExplainResponse response;
    const auto explanation = v1::Explanation::NewStub(channel);
    EXPECT_FALSE(explanation->Explain(&context, {}, &response).ok());
    EXPECT_TRUE(ReportIn(context).has_value());
  }
  const auto reply = PostTo(running, R"({"userId":10})");
  ASSERT_TRUE(reply);
  EXPECT_THAT(reply->get_header_value("endpoint-load-metrics"),
              StartsWith("TEXT cpu_utilization="));
  EXPECT_THAT(
      PostTo(running, "no json")->get_header_value("endpoint-load-metrics"),
      HasSubstr("rps_fractional="));
}

TEST_F(LoadReports, AreOffByDefault) {
  config_.clear_load_reports();
  RunningServer running(config_);
  const RenamingRelay relay(running.server().grpc_address(), kTrailer, kShown);
  const auto channel = ChannelTo(relay.address());
  grpc::ClientContext context;
  v1::RetrieveResponse response;
  const auto stub = v1::Retrieval::NewStub(channel);
  ASSERT_TRUE(stub->Retrieve(&context, TinyRequest(), &response).ok());
  EXPECT_FALSE(ReportIn(context).has_value());
  EXPECT_FALSE(
      PostTo(running, R"({"userId":10})")->has_header("endpoint-load-metrics"));
  grpc::ClientContext subscribing;
  const auto reports = OpenRcaService::NewStub(channel);
  const auto reader = reports->StreamCoreMetrics(&subscribing, {});
  OrcaLoadReport report;
  EXPECT_FALSE(reader->Read(&report));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(LoadReports, AStreamTellsOfTheLoad) {
  RunningServer running(config_);
  const auto channel = ChannelTo(running.server().grpc_address());
  const auto stub = OpenRcaService::NewStub(channel);
  grpc::ClientContext context;
  const auto reader = stub->StreamCoreMetrics(&context, {});
  OrcaLoadReport report;
  // The first comes at once, and says that nothing was done.
  ASSERT_TRUE(reader->Read(&report));
  EXPECT_EQ(report.rps_fractional(), 0);
  v1::RetrieveResponse response;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(running.Retrieve(TinyRequest(), &response).ok());
  }
  bool told = false;
  for (int i = 0; i < 100 && !told; ++i) {
    ASSERT_TRUE(reader->Read(&report));
    told = report.rps_fractional() > 0 && report.cpu_utilization() > 0;
  }
  EXPECT_TRUE(told);
  context.TryCancel();
  while (reader->Read(&report)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(LoadReports, AStreamHasTheIntervalThatIsAskedFor) {
  RunningServer running(config_);
  const auto stub =
      OpenRcaService::NewStub(ChannelTo(running.server().grpc_address()));
  const auto reports_in_a_second = [&](std::chrono::milliseconds interval) {
    OrcaLoadReportRequest request;
    request.mutable_report_interval()->set_nanos(
        static_cast<int32_t>(std::chrono::nanoseconds(interval).count()));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(1));
    const auto reader = stub->StreamCoreMetrics(&context, request);
    OrcaLoadReport report;
    int count = 0;
    while (reader->Read(&report)) ++count;
    reader->Finish();
    return count;
  };
  EXPECT_LE(reports_in_a_second(std::chrono::milliseconds(300)), 5);
  EXPECT_GE(reports_in_a_second(std::chrono::milliseconds(300)), 2);
  // Not more often than min_interval_ms.
  EXPECT_LE(reports_in_a_second(std::chrono::milliseconds(1)), 60);
}

TEST_F(LoadReports, StreamsEndWithTheServer) {
  auto running = std::make_unique<RunningServer>(config_);
  const auto stub =
      OpenRcaService::NewStub(ChannelTo(running->server().grpc_address()));
  grpc::ClientContext context;
  const auto reader = stub->StreamCoreMetrics(&context, {});
  OrcaLoadReport report;
  ASSERT_TRUE(reader->Read(&report));
  std::thread stopping([&running] { running.reset(); });
  while (reader->Read(&report)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  stopping.join();
}

}  // namespace
}  // namespace tributary
