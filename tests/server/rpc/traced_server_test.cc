// Slow calls of a server in this process: their spans, and their lines in the
// log. Retrievers wait as long as the test says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "spdlog/sinks/ostream_sink.h"
#include "spdlog/spdlog.h"
#include "tests/server/rpc/gated_retriever.h"
#include "tests/server/rpc/running_server.h"
#include "tests/server/tracing/span_collector.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr char kUnsampled[] =
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
constexpr char kTrace[] = "0af7651916cd43dd8448eb211c80319c";
// Two sources that wait so long make a call slow; one does not.
constexpr auto kSlow = std::chrono::milliseconds(150);
constexpr uint32_t kSlowCallMs = 250;

int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

class TracedServerTest : public testing::Test {
 protected:
  void SetUp() override {
    sink_ = std::make_shared<spdlog::sinks::ostream_sink_mt>(log_);
    before_ = spdlog::default_logger();
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink_));
    spdlog::set_pattern("%v");
    root_ = MakeTestDir();
    WriteTinyBundle(root_, 1);
    v1::ServerConfig config = ConfigFor(root_);
    config.mutable_tracing()->set_otlp_endpoint(collector_.address());
    config.mutable_tracing()->set_interval_ms(10);
    config.mutable_tracing()->set_sample_share(0);
    config.mutable_tracing()->set_slow_ms(kSlowCallMs);
    config.mutable_slow_calls()->set_threshold_ms(kSlowCallMs);
    config.mutable_slow_calls()->set_max_per_second(2);
    config.mutable_execution()->set_request_threads(16);
    server_ = std::make_unique<RunningServer>(config, GatedRegistry(&gate_));
    retrieval_ =
        v1::Retrieval::NewStub(ChannelTo(server_->server().grpc_address()));
  }
  void TearDown() override {
    gate_.open.release(1000);
    server_.reset();
    spdlog::set_default_logger(before_);
  }

  // Lets the retrievers of so many requests go, each after `wait`.
  std::thread Open(int retrievers, std::chrono::milliseconds wait) {
    return std::thread([this, retrievers, wait] {
      for (int i = 0; i < retrievers; ++i) {
        gate_.entered.acquire();
        std::this_thread::sleep_for(wait);
        gate_.open.release();
      }
    });
  }

  grpc::Status Retrieve(const std::string& request_id,
                        const std::string& traceparent = "") {
    grpc::ClientContext context;
    context.AddMetadata("x-request-id", request_id);
    if (!traceparent.empty()) context.AddMetadata("traceparent", traceparent);
    v1::RetrieveResponse response;
    return retrieval_->Retrieve(&context, TinyRequest(), &response);
  }

  std::string Log() {
    sink_->flush();
    return log_.str();
  }

  std::filesystem::path root_;
  std::ostringstream log_;
  std::shared_ptr<spdlog::sinks::ostream_sink_mt> sink_;
  std::shared_ptr<spdlog::logger> before_;
  Gate gate_;
  SpanCollector collector_;
  std::unique_ptr<RunningServer> server_;
  std::unique_ptr<v1::Retrieval::Stub> retrieval_;
};

TEST_F(TracedServerTest, ASlowCallIsLoggedAndExportedWhateverItsCallerSays) {
  std::thread fast = Open(2, std::chrono::milliseconds(0));
  EXPECT_TRUE(Retrieve("quick", kUnsampled).ok());
  fast.join();
  std::thread slow = Open(2, kSlow);
  EXPECT_TRUE(Retrieve("slow", kUnsampled).ok());
  slow.join();
  const ReceivedSpan call = collector_.WaitFor(
      [](const ReceivedSpan& span) { return span.is_server; });
  EXPECT_EQ(call.trace_id, kTrace);
  EXPECT_EQ(call.Get("tributary.request_id"), "slow");
  EXPECT_GE(call.end_ns - call.begin_ns, 2U * 150'000'000);
  int sources = 0;
  for (const ReceivedSpan& span : collector_.SpansOfTrace(kTrace)) {
    if (!span.name.starts_with("source ")) continue;
    ++sources;
    EXPECT_EQ(span.parent_id, call.id);
    EXPECT_GE(span.end_ns - span.begin_ns, 150'000'000U) << span.name;
  }
  EXPECT_EQ(sources, 2);
  EXPECT_THAT(
      Log(),
      AllOf(
          ContainsRegex(
              "event=slow_call request_id=slow trace_id=0af7651916cd43dd8448eb"
              "211c80319c method=\"/tributary.v1.Retrieval/Retrieve\" code=OK "
              "total_ms=[0-9.]+ wait_ms=[0-9.]+ k=3 version=1 "
              "plan_ms=[0-9.]"
              "+ sources_ms=popularity:[0-9.]+,taste:[0-9.]+ fusion_ms=[0-9.]"
              "+ reply_ms=[0-9.]+ suppressed=0\n"),
          Not(HasSubstr("request_id=quick"))));
}

TEST_F(TracedServerTest, TheLogIsBoundedAndSaysWhatItLeavesOut) {
  constexpr int kCalls = 10;
  std::vector<std::thread> calls;
  for (int i = 0; i < kCalls; ++i) {
    calls.emplace_back([this] { EXPECT_TRUE(Retrieve("one-of-ten").ok()); });
  }
  for (int i = 0; i < kCalls; ++i) gate_.entered.acquire();
  // They all end within a second.
  std::this_thread::sleep_for(2 * kSlow);
  gate_.open.release(2 * kCalls);
  for (std::thread& call : calls) call.join();
  for (int i = 0; i < kCalls; ++i) gate_.entered.acquire();
  const std::string first = Log();
  EXPECT_EQ(Count(first, "request_id=one-of-ten"), 2);
  EXPECT_EQ(Count(first, "suppressed=0"), 2);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  std::thread slow = Open(2, kSlow);
  EXPECT_TRUE(Retrieve("later").ok());
  slow.join();
  EXPECT_THAT(Log(), ContainsRegex("request_id=later .* suppressed=8\n"));
}

TEST_F(TracedServerTest, RequestsOfABatchAreJudgedByThemselves) {
  v1::BatchRetrieveRequest batch;
  for (int i = 0; i < 4; ++i) *batch.add_requests() = TinyRequest();
  // The third has a slow source.
  std::thread opening([this] {
    for (int i = 0; i < 8; ++i) {
      gate_.entered.acquire();
      if (i == 4) std::this_thread::sleep_for(2 * kSlow);
      gate_.open.release();
    }
  });
  v1::BatchRetrieveResponse response;
  EXPECT_TRUE(server_->BatchRetrieve(batch, &response).ok());
  opening.join();
  EXPECT_THAT(Log(), AllOf(ContainsRegex("event=slow_call .*BatchRetrieve.* "
                                         "requests=4 entry=2 k=3 version=1 "),
                           Not(HasSubstr("entry=1"))));
  const ReceivedSpan entry = collector_.WaitFor(
      [](const ReceivedSpan& span) { return span.name == "request"; });
  EXPECT_EQ(entry.Get("tributary.entry"), "2");
}

TEST_F(TracedServerTest, ErrorsHaveTheNameWhereClientsMayStillRetry) {
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "refused");
  v1::RetrieveRequest unknown = TinyRequest();
  unknown.set_bundle_version(99);
  v1::RetrieveResponse response;
  const grpc::Status status =
      retrieval_->Retrieve(&context, unknown, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_TRUE(context.GetServerInitialMetadata().empty());
  const auto& trailing = context.GetServerTrailingMetadata();
  const auto found = trailing.find("x-request-id");
  ASSERT_NE(found, trailing.end());
  EXPECT_EQ(std::string(found->second.data(), found->second.size()), "refused");
}

}  // namespace
}  // namespace tributary
