#include "client/load/load_generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "tests/client/local_server.h"
#include "tests/server/rpc/running_server.h"

namespace tributary {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

// Answers every call unless HangAtCall or FailEvery says otherwise.
class FakeRetrieval : public v1::Retrieval::Service {
 public:
  // Makes the n-th call, from 1, wait until the client has given it up.
  void HangAtCall(int n) { hang_at_ = n; }
  // Makes every n-th call fail.
  void FailEvery(int n, grpc::StatusCode code) {
    fail_every_ = n;
    failure_ = code;
  }

  const std::string& address() const { return server_.address(); }
  int calls() const { return calls_; }
  std::set<std::string> peers() {
    const std::lock_guard lock(mutex_);
    return peers_;
  }

 private:
  grpc::Status Retrieve(grpc::ServerContext* context,
                        const v1::RetrieveRequest* request,
                        v1::RetrieveResponse* response) override {
    const int call = ++calls_;
    {
      const std::lock_guard lock(mutex_);
      peers_.insert(context->peer());
    }
    while (call == hang_at_ && !context->IsCancelled()) {
      std::this_thread::yield();
    }
    if (fail_every_ > 0 && call % fail_every_ == 0) {
      return {failure_, "by FailEvery"};
    }
    response->set_degraded(true);
    response->set_cold_start(true);
    response->add_source_reports()->set_micros(7);
    response->add_source_reports()->set_micros(4);
    for (uint32_t i = 1; i < request->k(); ++i) response->add_scores(0);
    return grpc::Status::OK;
  }

  std::atomic<int> calls_ = 0;
  std::atomic<int> hang_at_ = 0;
  std::atomic<int> fail_every_ = 0;
  std::atomic<grpc::StatusCode> failure_ = grpc::StatusCode::OK;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::set<std::string> peers_;

  LocalServer server_{this};
};

LoadOptions Options(const std::string& address) {
  LoadOptions options;
  options.address = address;
  options.request.set_k(3);
  options.warm_up = milliseconds(0);
  options.duration = milliseconds(150);
  options.deadline_ms = 60'000;
  return options;
}

LoadReport Load(const LoadOptions& options) {
  const auto generator = LoadGenerator::Connect(options);
  EXPECT_TRUE(generator.ok()) << generator.status();
  return generator.ok() ? (*generator)->Run() : LoadReport();
}

TEST(LoadGenerator, ClosedLoopMeasuresARealServer) {
  const auto root = MakeTestDir();
  WriteTinyBundle(root, 1);
  RunningServer server(ConfigFor(root));
  LoadOptions options = Options(server.server().grpc_address());
  options.request = TinyRequest();
  options.users = UserKeys({"10", "20"});
  options.callers = 3;
  options.connections = 2;
  options.threads = 2;
  const LoadReport report = Load(options);
  EXPECT_GE(report.answered, 3);
  EXPECT_EQ(report.candidates, report.answered * 3);
  EXPECT_EQ(report.latency.count(), report.answered);
  EXPECT_EQ(report.failed(), 0);
  EXPECT_EQ(report.short_replies, 0);
  EXPECT_EQ(report.cold_starts, 0);
  EXPECT_EQ(report.degraded, 0);
  EXPECT_GE(report.wall_s, 0.1);
  EXPECT_GT(report.Qps(), 0);
}

TEST(LoadGenerator, UnknownUsersAreColdStarts) {
  const auto root = MakeTestDir();
  WriteTinyBundle(root, 1);
  RunningServer server(ConfigFor(root));
  LoadOptions options = Options(server.server().grpc_address());
  options.request = TinyRequest();
  const LoadReport report = Load(options);
  EXPECT_GT(report.answered, 0);
  EXPECT_EQ(report.cold_starts, report.answered);
}

TEST(LoadGenerator, CountsTheRepliesFields) {
  FakeRetrieval server;
  const LoadReport report = Load(Options(server.address()));
  EXPECT_GT(report.answered, 0);
  EXPECT_EQ(report.candidates, 2 * report.answered);
  EXPECT_EQ(report.short_replies, report.answered);
  EXPECT_EQ(report.degraded, report.answered);
  EXPECT_EQ(report.cold_starts, report.answered);
  EXPECT_EQ(report.sources_us, 11 * report.answered);
  EXPECT_EQ(report.answered, server.calls());
}

TEST(LoadGenerator, FailedCallsAreCountedByCodeAndNotRetried) {
  FakeRetrieval server;
  server.FailEvery(3, grpc::StatusCode::UNAVAILABLE);
  LoadOptions options = Options(server.address());
  options.callers = 1;
  const LoadReport report = Load(options);
  EXPECT_EQ(report.answered + report.failed(), server.calls());
  EXPECT_EQ(report.errors[grpc::StatusCode::UNAVAILABLE], server.calls() / 3);
  // A call that fails fast does not lower the latency.
  EXPECT_EQ(report.latency.count(), report.answered);
}

TEST(LoadGenerator, TheWarmUpIsNotReported) {
  FakeRetrieval server;
  LoadOptions options = Options(server.address());
  options.warm_up = options.duration;
  options.duration = milliseconds(0);
  const LoadReport report = Load(options);
  EXPECT_GT(server.calls(), 0);
  EXPECT_EQ(report.answered, 0);
  EXPECT_EQ(report.latency.count(), 0);
  EXPECT_EQ(report.Qps(), 0);
}

TEST(LoadGenerator, ConnectionsAreNotShared) {
  FakeRetrieval server;
  LoadOptions options = Options(server.address());
  options.connections = 3;
  Load(options);
  EXPECT_EQ(server.peers().size(), 3);
}

TEST(LoadGenerator, OpenLoopKeepsItsRate) {
  FakeRetrieval server;
  LoadOptions options = Options(server.address());
  options.rate = 1000;
  options.callers = 64;
  options.threads = 2;
  options.duration = milliseconds(500);
  const LoadReport report = Load(options);
  // Five standard deviations of a Poisson count.
  EXPECT_NEAR(static_cast<double>(report.answered + report.unsent), 500, 112);
  EXPECT_EQ(report.lag.count(), report.answered);
}

// The only caller hangs, so the calls that are due meanwhile wait for it. Their
// latency includes that wait.
TEST(LoadGenerator, OpenLoopCountsTheWaitBehindAStall) {
  FakeRetrieval server;
  server.HangAtCall(1);
  LoadOptions options = Options(server.address());
  options.rate = 1000;
  options.callers = 1;
  options.deadline_ms = 300;
  options.duration = milliseconds(400);
  const LoadReport report = Load(options);
  EXPECT_EQ(report.errors[grpc::StatusCode::DEADLINE_EXCEEDED], 1);
  // Three of four arrivals came during the 300 ms of the hang, and half of
  // these waited at least 150 ms. Counted from when they were sent, no call
  // would have waited.
  EXPECT_GE(report.latency.Quantile(.75), milliseconds(100));
}

TEST(LoadGenerator, UnsentArrivalsCountWithTheirWait) {
  FakeRetrieval server;
  server.HangAtCall(1);
  LoadOptions options = Options(server.address());
  options.rate = 1000;
  options.callers = 1;
  options.deadline_ms = 400;
  options.duration = milliseconds(200);
  const LoadReport report = Load(options);
  EXPECT_EQ(report.answered, 0);
  EXPECT_GT(report.unsent, 100);
  EXPECT_EQ(report.latency.count(), report.unsent + 1);
  EXPECT_GE(report.latency.Quantile(.5), milliseconds(60));
  EXPECT_LE(report.latency.Quantile(.5), milliseconds(140));
}

TEST(LoadGenerator, OptionsOutOfRangeAreNamed) {
  const auto error = [](auto change) {
    LoadOptions options = Options("127.0.0.1:1");
    change(&options);
    return LoadGenerator::Connect(options).status();
  };
  const auto expect = [](const absl::Status& status, const char* name) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(name));
  };
  expect(error([](LoadOptions* o) { o->callers = 0; }), "callers: 0");
  expect(error([](LoadOptions* o) { o->connections = 5; }), "connections: 5");
  expect(error([](LoadOptions* o) { o->threads = 0; }), "threads: 0");
  expect(error([](LoadOptions* o) { o->deadline_ms = 0; }), "deadline_ms: 0");
  expect(error([](LoadOptions* o) { o->rate = -1; }), "rate: -1");
}

TEST(LoadGenerator, ReportsAppendAsOneLoadAfterTheOther) {
  LoadReport first;
  first.answered = 10;
  first.wall_s = 1;
  LoadReport second;
  second.answered = 30;
  second.wall_s = 3;
  first.Append(second);
  EXPECT_EQ(first.answered, 40);
  EXPECT_EQ(first.Qps(), 10);
}

}  // namespace
}  // namespace tributary
