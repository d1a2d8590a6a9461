#include "server/load_reports/load_meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

namespace tributary {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

LoadSample At(int second, milliseconds busy, milliseconds waited,
              uint64_t answered, uint64_t failed) {
  return {.at = std::chrono::steady_clock::time_point(seconds(second)),
          .busy = busy,
          .waited = waited,
          .answered = answered,
          .failed = failed};
}

TEST(LoadBetween, IsTheShareOfTheThreadsTime) {
  const auto report =
      LoadBetween(At(10, milliseconds(100), milliseconds(50), 1000, 3),
                  At(12, milliseconds(4100), milliseconds(8050), 3000, 13), 4);
  EXPECT_DOUBLE_EQ(report.cpu_utilization(), 0.5);
  EXPECT_DOUBLE_EQ(report.application_utilization(), 1.5);
  EXPECT_DOUBLE_EQ(report.rps_fractional(), 1005);
  EXPECT_DOUBLE_EQ(report.eps(), 5);
}

TEST(LoadBetween, IsNothingWithoutTime) {
  const LoadSample sample = At(1, milliseconds(5), milliseconds(5), 7, 7);
  EXPECT_EQ(LoadBetween(sample, sample, 4).SerializeAsString(), "");
}

v1::ServerConfig ConfigOf(uint32_t threads) {
  v1::ServerConfig config;
  config.mutable_execution()->set_request_threads(threads);
  config.mutable_load_reports()->set_min_interval_ms(10);
  return config;
}

// Waits for a report that `is` is true of; null after 20 s.
template <typename Is>
std::shared_ptr<const ServerLoad> WaitFor(const LoadMeter& meter,
                                          const Is& is) {
  for (int i = 0; i < 2000; ++i) {
    const auto report = meter.Latest();
    if (is(report->message)) return report;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return nullptr;
}

TEST(LoadMeter, MeasuresTheLastSecond) {
  ServerMetrics metrics;
  LoadMeter meter(ConfigOf(2), &metrics);
  EXPECT_EQ(meter.Latest()->message.cpu_utilization(), 0);
  metrics.busy_ns.Add(500'000'000);
  metrics.retrievals.Add(100);
  metrics.AddMethod("tributary.v1.Retrieval", "Retrieve")
      .Handled(absl::StatusCode::kResourceExhausted, milliseconds(0));
  // The fault of the caller.
  metrics.AddMethod("tributary.v1.Retrieval", "Retrieve")
      .Handled(absl::StatusCode::kInvalidArgument, milliseconds(0));
  const auto busy =
      WaitFor(meter, [](const auto& report) { return report.eps() > 0; });
  ASSERT_NE(busy, nullptr);
  EXPECT_GT(busy->message.cpu_utilization(), 0.2);
  EXPECT_NEAR(busy->message.rps_fractional() / busy->message.eps(), 101, 1e-6);
  // It is over a second later.
  EXPECT_NE(WaitFor(meter,
                    [](const auto& report) {
                      return report.eps() == 0 && report.cpu_utilization() == 0;
                    }),
            nullptr);
}

TEST(LoadMeter, ReportsHaveAllForms) {
  ServerMetrics metrics;
  v1::Manifest manifest;
  manifest.add_retrievers()->set_name("als");
  manifest.add_retrievers()->set_name("odd,name");
  metrics.MadeResident(manifest);
  for (const char* const name : {"als", "odd,name"}) {
    metrics.ForRetriever(name).live_recall.back().Add(3, 4);
  }
  LoadMeter meter(ConfigOf(2), &metrics);
  const auto report = meter.Latest();
  xds::data::orca::v3::OrcaLoadReport parsed;
  ASSERT_TRUE(parsed.ParseFromString(report->bytes));
  EXPECT_EQ(parsed.DebugString(), report->message.DebugString());
  EXPECT_DOUBLE_EQ(parsed.named_metrics().at("live_recall.als"), 0.75);
  EXPECT_GT(parsed.mem_utilization(), 0);
  EXPECT_LT(parsed.mem_utilization(), 1);
  EXPECT_THAT(report->text,
              AllOf(StartsWith("TEXT cpu_utilization=0.000000,"),
                    HasSubstr(",rps_fractional=0.000000"),
                    HasSubstr(",named_metrics.live_recall.als=0.750000"),
                    testing::Not(HasSubstr("odd"))));
}

TEST(LoadMeter, TellsWhoWatches) {
  ServerMetrics metrics;
  LoadMeter meter(ConfigOf(2), &metrics);
  std::atomic<int> told{0};
  meter.Watch([&told] { ++told; });
  for (int i = 0; i < 2000 && told < 3; ++i) {
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_GE(told, 3);
  meter.Watch(nullptr);
  const int before = told;
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(told, before);
}

}  // namespace
}  // namespace tributary
