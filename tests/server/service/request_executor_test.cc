#include "server/service/request_executor.h"

#include <functional>
#include <future>
#include <memory>
#include <semaphore>
#include <string>

#include "gtest/gtest.h"
#include "server/pipeline/server_config.h"

namespace tributary {
namespace {

using Thread = RequestExecutor::Thread;

v1::ServerConfig OneThread() {
  v1::ServerConfig config;
  config.set_bundles("b");
  config.mutable_execution()->set_request_threads(1);
  // Sanitizers are slow, and their machines busy.
  config.mutable_overload()->set_max_wait_ms(60'000);
  return *CompleteServerConfig(config);
}

// A call whose end is a future.
class FakeCall final : public RequestCall {
 public:
  explicit FakeCall(std::function<bool(const RunTerms&)> run,
                    Criticality criticality = Criticality::kInteractive)
      : run_(std::move(run)) {
    terms_.arrived = std::chrono::steady_clock::now();
    terms_.criticality = criticality;
  }

  bool Run(const RunTerms& terms) override { return run_(terms); }
  void Answer() override { end_.set_value(absl::OkStatus()); }
  void Refuse(const absl::Status& error) override { end_.set_value(error); }
  bool cancelled() const override { return cancelled_; }

  void Cancel() { cancelled_ = true; }
  void SetDeadline(SteadyTime deadline) { terms_.deadline = deadline; }
  void SetFixedLevel(v1::ServiceLevel level) { terms_.fixed_level = level; }
  absl::Status End() { return end_.get_future().get(); }

 private:
  const std::function<bool(const RunTerms&)> run_;
  std::atomic<bool> cancelled_{false};
  std::promise<absl::Status> end_;
};

bool AtOnce(const RunTerms&) { return true; }

class RequestExecutorTest : public testing::Test {
 protected:
  // Occupies the only thread until Release.
  void Occupy() {
    executor_.Submit(&occupant_, Thread::kMayNotRun);
    started_.get_future().wait();
  }
  void Release() {
    release_.set_value();
    EXPECT_TRUE(occupant_.End().ok());
  }

  ServerMetrics metrics_;
  RequestExecutor executor_{OneThread(), &metrics_};
  std::promise<void> started_;
  std::promise<void> release_;
  FakeCall occupant_{[this](const RunTerms&) {
    started_.set_value();
    release_.get_future().wait();
    return true;
  }};
};

TEST_F(RequestExecutorTest, RunsACallOnTheThreadThatBringsIt) {
  std::thread::id ran_on;
  FakeCall call([&](const RunTerms&) {
    ran_on = std::this_thread::get_id();
    return true;
  });
  executor_.Submit(&call, Thread::kMayRun);
  EXPECT_TRUE(call.End().ok());
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  EXPECT_TRUE(executor_.Idle());
}

TEST_F(RequestExecutorTest, RunsNothingOnAThreadThatHasOtherWork) {
  std::thread::id ran_on;
  FakeCall call([&](const RunTerms&) {
    ran_on = std::this_thread::get_id();
    return true;
  });
  executor_.Submit(&call, Thread::kMayNotRun);
  EXPECT_TRUE(call.End().ok());
  EXPECT_NE(ran_on, std::this_thread::get_id());
}

TEST_F(RequestExecutorTest, InteractiveCallsRunBeforeBatches) {
  Occupy();
  std::vector<std::string> order;
  FakeCall batch(
      [&](const RunTerms&) {
        order.push_back("batch");
        return true;
      },
      Criticality::kBatch);
  FakeCall interactive([&](const RunTerms&) {
    order.push_back("interactive");
    return true;
  });
  executor_.Submit(&batch, Thread::kMayRun);
  executor_.Submit(&interactive, Thread::kMayRun);
  EXPECT_EQ(metrics_.requests_waiting, 2);
  Release();
  EXPECT_TRUE(batch.End().ok());
  EXPECT_TRUE(interactive.End().ok());
  EXPECT_EQ(order, (std::vector<std::string>{"interactive", "batch"}));
}

TEST_F(RequestExecutorTest, ABatchGivesItsThreadUpForOthers) {
  std::vector<std::string> order;
  FakeCall interactive([&](const RunTerms&) {
    order.push_back("interactive");
    return true;
  });
  int parts = 0;
  FakeCall batch(
      [&](const RunTerms& terms) {
        EXPECT_LT(terms.slice_end, SteadyTime::max());
        order.push_back("part");
        if (parts++ == 0) executor_.Submit(&interactive, Thread::kMayRun);
        return parts == 3;
      },
      Criticality::kBatch);
  executor_.Submit(&batch, Thread::kMayNotRun);
  EXPECT_TRUE(batch.End().ok());
  EXPECT_TRUE(interactive.End().ok());
  EXPECT_EQ(order,
            (std::vector<std::string>{"part", "interactive", "part", "part"}));
  EXPECT_TRUE(executor_.Idle());
}

TEST_F(RequestExecutorTest, DropsWhatNobodyWaitsForAnyMore) {
  Occupy();
  FakeCall cancelled(AtOnce);
  FakeCall late(AtOnce);
  FakeCall wanted(AtOnce);
  for (FakeCall* call : {&cancelled, &late, &wanted}) {
    executor_.Submit(call, Thread::kMayRun);
  }
  cancelled.Cancel();
  late.SetDeadline(SteadyTime::min());
  Release();
  EXPECT_EQ(cancelled.End().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(late.End().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(wanted.End().ok());
  EXPECT_EQ(metrics_.dropped.value(), 2);
  EXPECT_TRUE(executor_.Idle());
}

TEST_F(RequestExecutorTest, RefusesAtOnceWhatWouldBeTooLate) {
  Occupy();
  FakeCall waits(AtOnce);
  executor_.Submit(&waits, Thread::kMayRun);
  FakeCall hurried(AtOnce);
  hurried.SetDeadline(std::chrono::steady_clock::now());
  executor_.Submit(&hurried, Thread::kMayRun);
  EXPECT_EQ(hurried.End().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(metrics_.refused[static_cast<size_t>(Refusal::kDeadline)].value(),
            1);
  Release();
  EXPECT_TRUE(waits.End().ok());
}

TEST(RequestExecutor, ACallWithALevelOfItsOwnCountsAsWhatItDoes) {
  v1::ServerConfig config = OneThread();
  config.mutable_limits()->set_max_concurrent_requests(1);
  ServerMetrics metrics;
  RequestExecutor executor(config, &metrics);
  std::promise<void> release;
  FakeCall occupant([&](const RunTerms&) {
    release.get_future().wait();
    return true;
  });
  executor.Submit(&occupant, Thread::kMayNotRun);
  // What is refused takes the server a step further, every 100 ms.
  while (metrics.service_level != v1::POPULARITY_ONLY) {
    FakeCall refused(AtOnce);
    executor.Submit(&refused, Thread::kMayNotRun);
    ASSERT_EQ(refused.End().code(), absl::StatusCode::kResourceExhausted);
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
  }
  release.set_value();
  ASSERT_TRUE(occupant.End().ok());
  FakeCall page(AtOnce);
  page.SetFixedLevel(v1::FULL_SERVICE);
  executor.Submit(&page, Thread::kMayNotRun);
  EXPECT_TRUE(page.End().ok());
  EXPECT_EQ(page.terms().units, 8);
}

TEST_F(RequestExecutorTest, RefusesEverythingOnceClosed) {
  executor_.Close();
  FakeCall call(AtOnce);
  executor_.Submit(&call, Thread::kMayRun);
  EXPECT_EQ(call.End().code(), absl::StatusCode::kUnavailable);
}

// A call that is answered in three parts, each of which waits to be taken.
class CallInParts final : public RequestCall {
 public:
  CallInParts() {
    terms_.arrived = std::chrono::steady_clock::now();
    terms_.criticality = Criticality::kBatch;
  }
  bool Run(const RunTerms&) override {
    ++runs_;
    return true;
  }
  bool continues() const override { return runs_ < 3; }
  void Answer() override { answers_.release(); }
  void Refuse(const absl::Status& error) override { end_.set_value(error); }
  bool cancelled() const override { return cancelled_; }

  void WaitForPart() { answers_.acquire(); }
  void Cancel() { cancelled_ = true; }
  absl::Status End() { return end_.get_future().get(); }

 private:
  std::atomic<int> runs_{0};
  std::atomic<bool> cancelled_{false};
  std::counting_semaphore<> answers_{0};
  std::promise<absl::Status> end_;
};

TEST_F(RequestExecutorTest, ACallInPartsIsNotOverBetweenThem) {
  CallInParts call;
  executor_.Submit(&call, Thread::kMayRun);
  call.WaitForPart();
  EXPECT_FALSE(executor_.Idle());
  executor_.Resume(&call, Thread::kMayRun);
  call.WaitForPart();
  EXPECT_FALSE(executor_.Idle());
  // What was admitted goes on.
  executor_.Close();
  executor_.Resume(&call, Thread::kMayNotRun);
  call.WaitForPart();
  while (!executor_.Idle()) std::this_thread::yield();
}

TEST_F(RequestExecutorTest, BetweenPartsOthersHaveTheThread) {
  CallInParts call;
  executor_.Submit(&call, Thread::kMayRun);
  call.WaitForPart();
  FakeCall other(AtOnce);
  executor_.Submit(&other, Thread::kMayRun);
  EXPECT_TRUE(other.End().ok());
  executor_.Abandon(&call);
  EXPECT_TRUE(executor_.Idle());
}

TEST_F(RequestExecutorTest, ACancelledCallHasNoNextPart) {
  CallInParts call;
  executor_.Submit(&call, Thread::kMayRun);
  call.WaitForPart();
  call.Cancel();
  executor_.Resume(&call, Thread::kMayRun);
  EXPECT_EQ(call.End().code(), absl::StatusCode::kCancelled);
  while (!executor_.Idle()) std::this_thread::yield();
}

TEST_F(RequestExecutorTest, AnObjectMayBeSeveralCallsInTurn) {
  class Reused final : public RequestCall {
   public:
    bool Run(const RunTerms&) override { return true; }
    void Answer() override { ++answers; }
    void Refuse(const absl::Status&) override { ++refusals; }
    bool cancelled() const override { return false; }
    int answers = 0;
    int refusals = 0;
  };
  Reused call;
  for (int i = 0; i < 1000; ++i) executor_.Submit(&call, Thread::kMayRun);
  EXPECT_EQ(call.answers, 1000);
  EXPECT_TRUE(executor_.Idle());
}

}  // namespace
}  // namespace tributary
