// Loader::Run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "server/loader/loader.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/publish/publish_to.h"
#include "tests/server/loader/fake_server.h"

namespace tributary {
namespace {

class RunTest : public testing::Test {
 protected:
  std::unique_ptr<Loader> MakeLoader(uint32_t poll_interval_ms) {
    v1::LoaderConfig config;
    config.set_store(store_);
    config.set_bundles(MakeTestDir());
    config.set_control(server_.address());
    config.set_poll_interval_ms(poll_interval_ms);
    return *Loader::Create(config);
  }

  void PublishVersion(uint64_t version) {
    const auto status =
        PublishTo(WriteTinyBundle(MakeTestDir(), version), store_);
    ASSERT_TRUE(status.ok()) << status;
  }

  void WaitFor(uint64_t version) {
    const auto give_up =
        std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (server_.active() != version) {
      ASSERT_LT(std::chrono::steady_clock::now(), give_up);
      std::this_thread::yield();
    }
  }

  const std::string store_ = MakeTestDir();
  FakeServer server_{MakeTestDir() / "s"};
};

TEST_F(RunTest, FollowsTheStore) {
  const auto loader = MakeLoader(1);
  std::jthread runner([&](std::stop_token stop) { loader->Run(stop); });
  for (const uint64_t version : {1, 2}) {
    PublishVersion(version);
    WaitFor(version);
  }
}

// With a wait between the steps, this test would take hours.
TEST_F(RunTest, TakesTheStepsOfOneVersionWithoutWaitingBetweenThem) {
  PublishVersion(1);
  const auto loader = MakeLoader(3'600'000);
  std::jthread runner([&](std::stop_token stop) { loader->Run(stop); });
  WaitFor(1);
}

TEST_F(RunTest, StopsWhileItWaits) {
  const auto loader = MakeLoader(3'600'000);
  std::jthread runner([&](std::stop_token stop) { loader->Run(stop); });
}

}  // namespace
}  // namespace tributary
