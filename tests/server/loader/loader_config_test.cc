#include "server/loader/loader_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

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
  EXPECT_EQ(config->changes_poll_interval_ms(), 1000);
  EXPECT_EQ(config->keep(), 1);
  EXPECT_EQ(config->log_level(), "info");
  EXPECT_TRUE(config->gate().enabled());
  EXPECT_EQ(config->gate().min_recall(), 0.9);
  EXPECT_EQ(config->trial().max_cpu_seconds(), 600);
}

TEST(CompleteLoaderConfig, KeepsWhatIsGiven) {
  v1::LoaderConfig given = *CompleteLoaderConfig(Minimal());
  given.set_control("unix:/c.sock");
  given.set_poll_interval_ms(20);
  given.set_keep(0);
  given.set_log_level("debug");
  given.mutable_gate()->set_n(5);
  given.set_allow_older(true);
  given.mutable_download()->set_parallel(7);
  given.mutable_download()->set_max_bytes_per_second(1000);
  given.mutable_download()->set_stall_ms(99);
  given.mutable_download()->set_attempts(1);
  given.mutable_s3()->set_endpoint("http://minio:9000");
  given.mutable_s3()->set_region("here");
  given.mutable_s3()->set_path_style(true);
  given.mutable_s3()->set_profile("other");
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
  config.set_changes_poll_interval_ms(9);
  expect_error(config, "changes_poll_interval_ms");
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
  config = Minimal();
  config.mutable_download()->set_attempts(0);
  expect_error(config, "download.attempts");
  config = Minimal();
  config.mutable_s3()->set_endpoint("minio");
  expect_error(config, "s3.endpoint");
}

}  // namespace
}  // namespace tributary
