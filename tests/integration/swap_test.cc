// 100 swaps under load, with the real server.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "fmt/core.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

constexpr int kSwaps = 100;
constexpr int kCallers = 4;
// Requests between two swaps, so that every version serves some.
constexpr uint64_t kRequestsPerVersion = 40;

class SwapTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const uint64_t version : {1, 2}) {
      deployment_.Build(version);
      ASSERT_EQ(deployment_.Publish(version).exit_status, 0);
    }
    deployment_.StartServer();
    deployment_.StartLoader();
    ASSERT_TRUE(deployment_.WaitForVersion(2));
    // From here on the test swaps; the loader would follow the store.
    ASSERT_EQ(deployment_.StopLoader(), 0);
    std::filesystem::copy(deployment_.built() / "1",
                          deployment_.bundles() / "1",
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::skip_existing);
    Stage(1);
  }

  void Stage(uint64_t version) {
    grpc::ClientContext context;
    v1::StageRequest request;
    request.set_version(version);
    v1::BundleStatus status;
    const auto done = deployment_.control().Stage(&context, request, &status);
    ASSERT_TRUE(done.ok()) << done.error_message();
  }

  void Activate(uint64_t version) {
    grpc::ClientContext context;
    v1::ActivateRequest request;
    request.set_version(version);
    v1::BundleStatus status;
    const auto done =
        deployment_.control().Activate(&context, request, &status);
    ASSERT_TRUE(done.ok()) << done.error_message();
  }

  // One caller: every reply must be complete and of one version.
  void Call(int caller) {
    auto client =
        RetrievalClient::Connect(deployment_.grpc(), {.max_attempts = 1});
    ASSERT_TRUE(client.ok());
    v1::RetrieveRequest request;
    request.set_k(200);
    for (int i = 0; !stop_; ++i) {
      request.set_user_key(fmt::format("u{}", (caller + 7 * i) % 60));
      const auto response = (*client)->Retrieve(request);
      ++requests_;
      if (!response.ok() || response->item_keys_size() != 200) {
        ++failed_;
        continue;
      }
      const std::string prefix =
          fmt::format("v{}-", response->bundle_version());
      for (const std::string& key : response->item_keys()) {
        if (!key.starts_with(prefix)) ++mixed_;
      }
    }
  }

  Deployment deployment_;
  std::atomic<bool> stop_ = false;
  std::atomic<uint64_t> requests_ = 0;
  std::atomic<uint64_t> failed_ = 0;
  std::atomic<uint64_t> mixed_ = 0;
};

TEST_F(SwapTest, NoRequestFailsNoReplyMixesVersionsAndMemoryIsFlat) {
  std::vector<std::thread> callers;
  for (int c = 0; c < kCallers; ++c) {
    callers.emplace_back([this, c] { Call(c); });
  }
  const auto wait_for_requests = [&] {
    const uint64_t goal = requests_ + kRequestsPerVersion;
    return WaitUntil([&] { return requests_ >= goal; });
  };
  uint64_t resident_at_start = 0;
  for (int swap = 0; swap < kSwaps; ++swap) {
    // The first rounds warm every thread's memory.
    if (swap == kSwaps / 5) {
      resident_at_start = deployment_.server().ResidentBytes();
    }
    ASSERT_NO_FATAL_FAILURE(Activate(1 + swap % 2));
    ASSERT_TRUE(wait_for_requests());
  }
  const uint64_t resident_at_end = deployment_.server().ResidentBytes();
  stop_ = true;
  for (std::thread& caller : callers) caller.join();

  EXPECT_EQ(failed_, 0);
  EXPECT_EQ(mixed_, 0);
  EXPECT_GE(requests_, kSwaps * kRequestsPerVersion);
  EXPECT_GE(deployment_.Status().swaps(), kSwaps);
#ifndef __SANITIZE_ADDRESS__  // Which keeps what was freed for a while.
  EXPECT_LT(resident_at_end, resident_at_start + resident_at_start / 20);
#endif
  RecordProperty("requests", static_cast<int>(requests_));
  fmt::print(
      "{} requests, {} failed, {} items of another version, resident "
      "{} -> {} bytes\n",
      requests_.load(), failed_.load(), mixed_.load(), resident_at_start,
      resident_at_end);
  EXPECT_EQ(deployment_.StopServer(), 0);
}

}  // namespace
}  // namespace tributary
