#include "server/loader/loader_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/gate/gate_config.h"
#include "server/trial/trial_config.h"

namespace tributary {
namespace {

using testing::StartsWith;

v1::LoaderConfig Minimal() {
  v1::LoaderConfig config;
  config.set_store("/store");
  config.set_bundles("/bundles");
  return config;
}

TEST(CompleteLoaderConfig, FillsInTheDefaults) {
  const auto config = CompleteLoaderConfig(Minimal());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->control(), "unix:/bundles/control.sock");
  EXPECT_EQ(config->poll_interval_ms(), 1000);
  EXPECT_EQ(config->keep(), 1);
  EXPECT_EQ(config->log_level(), "info");
  EXPECT_TRUE(config->gate().enabled());
  EXPECT_EQ(config->gate().min_recall(), 0.9);
  EXPECT_EQ(config->trial().max_cpu_seconds(), 600);
}

TEST(CompleteLoaderConfig, KeepsWhatIsGiven) {
  v1::LoaderConfig given = Minimal();
  given.set_control("unix:/c.sock");
  given.set_poll_interval_ms(20);
  given.set_keep(0);
  given.set_log_level("debug");
  *given.mutable_gate() = *CompleteGate({});
  *given.mutable_trial() = *CompleteTrial({});
  given.mutable_gate()->set_n(5);
  EXPECT_EQ(CompleteLoaderConfig(given)->SerializeAsString(),
            given.SerializeAsString());
}

TEST(CompleteLoaderConfig, NamesTheFieldThatIsWrong) {
  const auto expect_error = [](const v1::LoaderConfig& config,
                               const std::string& field) {
    const auto status = CompleteLoaderConfig(config).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), StartsWith(field + ":"));
  };
  v1::LoaderConfig config = Minimal();
  config.clear_store();
  expect_error(config, "store");
  config = Minimal();
  config.clear_bundles();
  expect_error(config, "bundles");
  config = Minimal();
  config.set_poll_interval_ms(0);
  expect_error(config, "poll_interval_ms");
  config = Minimal();
  config.set_keep(1001);
  expect_error(config, "keep");
  config = Minimal();
  config.set_log_level("loud");
  expect_error(config, "log_level");
  config = Minimal();
  config.mutable_gate()->set_min_overlap(2);
  expect_error(config, "gate.min_overlap");
  config = Minimal();
  config.mutable_trial()->set_timeout_ms(0);
  expect_error(config, "trial.timeout_ms");
}

}  // namespace
}  // namespace tributary
