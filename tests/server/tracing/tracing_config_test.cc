#include "server/tracing/tracing_config.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace tributary {
namespace {

TEST(CompleteTracing, FillsInDefaultsAndKeepsWhatIsGiven) {
  const auto complete = CompleteTracing({}, "some-program");
  ASSERT_TRUE(complete.ok());
  EXPECT_EQ(complete->otlp_endpoint(), "");
  EXPECT_EQ(complete->sample_share(), 0.01);
  EXPECT_EQ(complete->slow_ms(), 0);
  EXPECT_EQ(complete->queue_length(), 8192);
  EXPECT_EQ(complete->interval_ms(), 1000);
  EXPECT_EQ(complete->service_name(), "some-program");
  v1::Tracing given = *complete;
  given.set_otlp_endpoint("collector:4317");
  given.set_sample_share(0);
  given.set_queue_length(1'000'000);
  given.set_interval_ms(60'000);
  given.set_service_name("candidates");
  EXPECT_EQ(CompleteTracing(given, "x")->SerializeAsString(),
            given.SerializeAsString());
}

TEST(CompleteTracing, NamesTheFieldThatIsWrong) {
  const auto expect_error = [](const v1::Tracing& given,
                               const std::string& field) {
    const auto status = CompleteTracing(given, "x").status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << field;
    EXPECT_TRUE(std::string(status.message()).starts_with(field + ": "))
        << status;
  };
  v1::Tracing given;
  for (const double share :
       {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    given.set_sample_share(share);
    expect_error(given, "tracing.sample_share");
  }
  given = {};
  given.set_interval_ms(60'001);
  expect_error(given, "tracing.interval_ms");
  given = {};
  given.set_queue_length(1'000'001);
  expect_error(given, "tracing.queue_length");
  given = {};
  given.set_service_name("two\nlines");
  expect_error(given, "tracing.service_name");
}

}  // namespace
}  // namespace tributary
