// Restarts the real server by SIGTERM, under load from clients with the
// published retry policy: 20 times, or 100 times with TRIBUTARY_TORTURE=1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "fmt/core.h"
#include "sync/mutex.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/publish/padded_bundle.h"
#include "tests/integration/deployment.h"
#include "tests/integration/torture.h"

namespace tributary {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int kCallers = 4;
// More than a restart takes on a busy machine.
constexpr uint32_t kDeadlineMs = 20'000;
// Calls to be answered between two restarts, so that each of them happens under
// load.
constexpr uint64_t kCallsPerRun = 100;

class RestartTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const uint64_t version : {1, 2}) {
      deployment_.Build(version);
      std::filesystem::copy(deployment_.built() / std::to_string(version),
                            deployment_.bundles() / std::to_string(version),
                            std::filesystem::copy_options::recursive);
    }
    deployment_.StartServer();
  }

  void Call(int caller) {
    auto client = RetrievalClient::Connect(deployment_.grpc(),
                                           {.deadline_ms = kDeadlineMs});
    ASSERT_TRUE(client.ok());
    v1::RetrieveRequest request;
    request.set_k(200);
    for (int i = 0; !stop_; ++i) {
      request.set_user_key(fmt::format("u{}", (caller + 7 * i) % 60));
      const auto start = std::chrono::steady_clock::now();
      const auto response = (*client)->Retrieve(request);
      const auto took = std::chrono::steady_clock::now() - start;
      ++calls_;
      const MutexLock lock(&mutex_);
      longest_ = std::max(longest_, took);
      if (response.ok() && response->item_keys_size() == 200) continue;
      ++failed_;
      ADD_FAILURE() << response.status();
    }
  }

  Deployment deployment_;
  std::atomic<bool> stop_ = false;
  std::atomic<uint64_t> calls_ = 0;
  std::atomic<uint64_t> failed_ = 0;
  Mutex mutex_;
  std::chrono::steady_clock::duration longest_ ABSL_GUARDED_BY(mutex_){};
};

TEST_F(RestartTest, NoCallFailsWithRetries) {
  const int restarts = TortureCount(20, 100);
  std::vector<std::thread> callers;
  for (int c = 0; c < kCallers; ++c) {
    callers.emplace_back([this, c] { Call(c); });
  }
  for (int i = 0; i < restarts && !HasFailure(); ++i) {
    const uint64_t goal = calls_ + kCallsPerRun;
    EXPECT_TRUE(WaitUntil([&] { return calls_ >= goal; }));
    EXPECT_EQ(deployment_.StopServer(), 0);
    deployment_.StartServer();
  }
  stop_ = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failed_, 0);
  const MutexLock lock(&mutex_);
  fmt::print("{} restarts, {} calls, {} failed, the longest took {:.3f} s\n",
             restarts, calls_.load(), failed_.load(),
             std::chrono::duration<double>(longest_).count());
}

TEST_F(RestartTest, HistoryAndLabelsAreRestored) {
  const auto activate = [&](uint64_t version) {
    grpc::ClientContext stage_context;
    grpc::ClientContext context;
    v1::StageRequest stage;
    stage.set_version(version);
    v1::ActivateRequest request;
    request.set_version(version);
    v1::BundleStatus status;
    EXPECT_TRUE(
        deployment_.control().Stage(&stage_context, stage, &status).ok());
    EXPECT_TRUE(
        deployment_.control().Activate(&context, request, &status).ok());
  };
  activate(1);
  activate(2);
  {
    grpc::ClientContext context;
    v1::SetLabelRequest request;
    request.set_name("canary");
    request.set_version(1);
    v1::ServerStatus status;
    EXPECT_TRUE(
        deployment_.control().SetLabel(&context, request, &status).ok());
  }
  // SIGKILL: nothing is written at the end.
  deployment_.server().Signal(SIGKILL);
  deployment_.server().Wait();
  deployment_.StartServer();
  v1::ServerStatus status = deployment_.Status();
  EXPECT_EQ(status.active_version(), 2);
  EXPECT_EQ(status.previous_version(), 1);
  ASSERT_EQ(status.labels_size(), 1);
  EXPECT_EQ(status.labels(0).name(), "canary");
  EXPECT_TRUE(
      WaitUntil([&] { return deployment_.Status().bundles_size() == 2; }));
  v1::RetrieveRequest request;
  request.set_bundle_label("canary");
  const auto response = deployment_.client().Retrieve(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->bundle_version(), 1);
  EXPECT_EQ(response->bundle_label(), "canary");
  grpc::ClientContext context;
  v1::BundleStatus back;
  EXPECT_TRUE(deployment_.control().Rollback(&context, {}, &back).ok());
  EXPECT_EQ(back.version(), 1);
}

TEST_F(RestartTest, ShutdownDoesNotWaitForAVersionThatIsBeingRead) {
  // Without CURRENT, the highest version would be activated.
  OverwriteFile(deployment_.bundles() / "CURRENT", "2\n");
  // Large enough that staging takes more than a second.
  WritePaddedBundle(deployment_.bundles(), 3, uint64_t{512} << 20);
  grpc::Status staged;
  std::thread stage([&] {
    grpc::ClientContext context;
    v1::StageRequest request;
    request.set_version(3);
    v1::BundleStatus status;
    staged = deployment_.control().Stage(&context, request, &status);
  });
  const std::string maps =
      fmt::format("/proc/{}/maps", deployment_.server().pid());
  EXPECT_TRUE(WaitUntil(
      [&] { return ReadFile(maps).find(kPadding) != std::string::npos; }));
  EXPECT_EQ(deployment_.StopServer(), 0);
  stage.join();
  EXPECT_EQ(staged.error_code(), grpc::StatusCode::UNAVAILABLE)
      << staged.error_message();
  // The server did not read the version to its end.
  EXPECT_THAT(deployment_.server().Output(),
              Not(HasSubstr("event=staged version=3")));
  deployment_.StartServer();
  EXPECT_EQ(deployment_.Status().active_version(), 2);
}

}  // namespace
}  // namespace tributary
