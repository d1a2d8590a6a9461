// What a whole server records, by each way of calling it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/recording/recording_file.h"
#include "tests/server/rpc/running_server.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RecordedCalls : public testing::Test {
 protected:
  RecordedCalls() {
    WriteTinyBundle(root_, 1);
    config_ = ConfigFor(root_);
    config_.mutable_recording()->set_file(path_);
    config_.mutable_recording()->set_share(1);
    config_.mutable_recording()->set_user_keys(true);
  }

  // Everything that a server records while `work` runs.
  template <typename Work>
  std::vector<v1::RecordedCall> RecordedBy(const Work& work) {
    {
      RunningServer running(config_);
      work(running);
    }
    std::vector<v1::RecordedCall> calls;
    const auto reader = RecordingReader::Open(path_);
    EXPECT_TRUE(reader.ok()) << reader.status();
    if (!reader.ok()) return calls;
    for (const RecordedPlace& place : (*reader)->places()) {
      calls.push_back((*reader)->Read(place).value());
    }
    return calls;
  }

  static httplib::Result Post(const RunningServer& running, const char* path,
                              const std::string& json,
                              const std::string& request_id) {
    const std::string& address = running.server().http_address();
    httplib::Client client("127.0.0.1",
                           std::atoi(address.c_str() + address.rfind(':') + 1));
    return client.Post(path, {{"x-request-id", request_id}}, json,
                       "application/json");
  }

  const std::filesystem::path root_ = MakeTestDir();
  const std::string path_ = root_ / "calls.rec";
  v1::ServerConfig config_;
};

// Without the times that a search took, which differ.
v1::RetrieveResponse WithoutTimes(v1::RetrieveResponse response) {
  for (v1::SourceReport& report : *response.mutable_source_reports()) {
    report.clear_micros();
  }
  return response;
}

TEST_F(RecordedCalls, EveryWayOfCallingIsRecorded) {
  v1::RetrieveResponse answered;
  const auto calls = RecordedBy([&](RunningServer& running) {
    const auto stub =
        v1::Retrieval::NewStub(ChannelTo(running.server().grpc_address()));
    v1::BatchRetrieveRequest batch;
    *batch.add_requests() = TinyRequest();
    *batch.add_requests() = TinyRequest();
    batch.mutable_requests(1)->set_k(2);
    {
      grpc::ClientContext context;
      context.AddMetadata("x-request-id", "one");
      ASSERT_TRUE(stub->Retrieve(&context, TinyRequest(), &answered).ok());
    }
    {
      grpc::ClientContext context;
      context.AddMetadata("x-request-id", "batch");
      v1::BatchRetrieveResponse response;
      ASSERT_TRUE(stub->BatchRetrieve(&context, batch, &response).ok());
    }
    {
      grpc::ClientContext context;
      context.AddMetadata("x-request-id", "stream");
      const auto reader = stub->StreamRetrieve(&context, batch);
      v1::BatchRetrieveResponse part;
      while (reader->Read(&part)) {
      }
      ASSERT_TRUE(reader->Finish().ok());
    }
    const std::string json =
        R"({"userId":10,"k":3,"quotas":{"taste":{"target":2},)"
        R"("popularity":{"target":1}}})";
    ASSERT_EQ(Post(running, "/v1/retrieve", json, "json")->status, 200);
    ASSERT_EQ(Post(running, "/v1/batch",
                   R"({"requests":[)" + json + "," + json + "]}", "json-batch")
                  ->status,
              200);
  });
  std::map<std::string, int> by_id;
  for (const v1::RecordedCall& call : calls) {
    ++by_id[call.request_id()];
    EXPECT_EQ(call.code(), 0);
    EXPECT_EQ(call.request().user_id(), 10);
    EXPECT_FALSE(call.user_key_hashed());
    v1::RetrieveResponse expected = answered;
    if (call.request().k() == 2) continue;
    EXPECT_EQ(WithoutTimes(call.response()).SerializeAsString(),
              WithoutTimes(answered).SerializeAsString())
        << call.request_id();
    EXPECT_GT(call.micros(), 0);
  }
  const std::map<std::string, int> expected = {
      {"batch", 2}, {"json", 1}, {"json-batch", 2}, {"one", 1}, {"stream", 2}};
  EXPECT_EQ(by_id, expected);
}

TEST_F(RecordedCalls, ErrorsAreRecordedWithTheirMessage) {
  const auto calls = RecordedBy([&](RunningServer& running) {
    v1::RetrieveRequest request = TinyRequest();
    request.set_bundle_version(9);
    v1::RetrieveResponse response;
    EXPECT_FALSE(running.Retrieve(request, &response).ok());
    v1::BatchRetrieveRequest batch;
    *batch.add_requests() = TinyRequest();
    batch.mutable_requests(0)->set_k(1'000'000);
    v1::BatchRetrieveResponse entries;
    EXPECT_TRUE(running.BatchRetrieve(batch, &entries).ok());
    EXPECT_EQ(entries.entries(0).code(), 3);
  });
  ASSERT_EQ(calls.size(), 2);
  EXPECT_EQ(calls[0].code(), 5);
  EXPECT_THAT(calls[0].message(), HasSubstr("9"));
  EXPECT_FALSE(calls[0].has_response());
  EXPECT_EQ(calls[1].code(), 3);
}

TEST_F(RecordedCalls, TheNextServerContinues) {
  config_.mutable_recording()->set_user_keys(false);
  const auto ask = [](RunningServer& running) {
    v1::RetrieveResponse response;
    EXPECT_TRUE(running.Retrieve(TinyRequest(), &response).ok());
  };
  EXPECT_EQ(RecordedBy(ask).size(), 1);
  const auto calls = RecordedBy(ask);
  ASSERT_EQ(calls.size(), 2);
  EXPECT_TRUE(calls[0].user_key_hashed());
  EXPECT_NE(calls[0].request().user_id(), 10);
  EXPECT_NE(calls[0].request().user_id(), calls[1].request().user_id());
}

TEST_F(RecordedCalls, TheMetricsCount) {
  std::string metrics;
  RecordedBy([&](RunningServer& running) {
    v1::RetrieveResponse response;
    EXPECT_TRUE(running.Retrieve(TinyRequest(), &response).ok());
    const std::string& address = running.server().http_address();
    httplib::Client client("127.0.0.1",
                           std::atoi(address.c_str() + address.rfind(':') + 1));
    for (int i = 0; i < 500; ++i) {
      metrics = client.Get("/metrics")->body;
      if (metrics.find("tributary_recorded_total 1\n") != std::string::npos) {
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  EXPECT_THAT(metrics, HasSubstr("tributary_recorded_total 1\n"));
  EXPECT_THAT(metrics, HasSubstr("tributary_recording 1\n"));
  EXPECT_THAT(
      metrics,
      HasSubstr("tributary_recording_dropped_total{reason=\"queue\"} 0\n"));
}

TEST_F(RecordedCalls, AServerDoesNotOverwriteAnotherFile) {
  OverwriteFile(path_, "notes of somebody");
  const auto started = Server::Start(config_);
  EXPECT_THAT(std::string(started.status().message()),
              HasSubstr("recording.file: " + path_ + " is no recording"));
  EXPECT_EQ(ReadFile(path_), "notes of somebody");
}

TEST_F(RecordedCalls, WithoutAFileNothingIsRecorded) {
  config_.clear_recording();
  RunningServer running(config_);
  v1::RetrieveResponse response;
  EXPECT_TRUE(running.Retrieve(TinyRequest(), &response).ok());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace tributary
