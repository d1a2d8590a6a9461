#include "server/console/metrics_history.h"

#include <chrono>
#include <cmath>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "server/console/metrics_sample.h"
#include "server/metrics/server_metrics.h"

namespace tributary {
namespace {

using std::chrono::microseconds;
using ::testing::ElementsAre;

constexpr double kStart = 1'700'000'000;

google::protobuf::Struct Parse(const std::string& json) {
  google::protobuf::Struct parsed;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &parsed).ok())
      << json;
  return parsed;
}

using Fields = google::protobuf::Map<std::string, google::protobuf::Value>;

const Fields& Object(const Fields& fields, const std::string& name) {
  return fields.at(name).struct_value().fields();
}

// -1 stands for null.
std::vector<double> Numbers(const Fields& fields, const std::string& name) {
  std::vector<double> numbers;
  for (const auto& value : fields.at(name).list_value().values()) {
    numbers.push_back(value.has_number_value() ? value.number_value() : -1);
  }
  return numbers;
}

MetricsSample At(double seconds) {
  MetricsSample sample;
  sample.unix_seconds = kStart + seconds;
  return sample;
}

TEST(MetricsHistoryTest, KeepsTheLastSamples) {
  MetricsHistory history(3);
  EXPECT_EQ(history.size(), 0);
  for (int i = 0; i < 8; ++i) {
    history.Add(At(i));
    EXPECT_EQ(history.size(), std::min(i + 1, 3));
    for (size_t j = 0; j < history.size(); ++j) {
      const double expected = i + 1 - static_cast<double>(history.size() - j);
      EXPECT_EQ(history.at(j).unix_seconds, kStart + expected);
    }
  }
}

TEST(MetricsHistoryTest, SaysWhatHappenedBetweenSamples) {
  MetricsHistory history(10);
  SourceNames names;
  ASSERT_EQ(names.PlaceOf("taste"), 0);
  ASSERT_EQ(names.PlaceOf("popular"), 1);
  MetricsSample sample = At(0);
  sample.answered = 100;
  sample.sources[0].admitted = 10;
  history.Add(sample);
  sample.unix_seconds += 10;
  sample.answered += 50;
  sample.failed += 5;
  sample.latency[0] += 50;  // at most 25 us
  sample.service_level = 1;
  sample.sources[0].recall_hits = 9;
  sample.sources[0].recall_expected = 10;
  history.Add(sample);
  sample.unix_seconds += 10;
  sample.service_level = 0;
  sample.sources[0].admitted = 40;
  sample.sources[0].shortfall[v1::CAPPED] = 4;
  sample.sources[0].overlap[1] = 7;
  sample.sources[1].admitted = 60;
  const auto json = Parse(history.Json(sample, names.names()));
  const Fields& columns = Object(json.fields(), "columns");
  EXPECT_THAT(Numbers(columns, "times"), ElementsAre(kStart + 10, kStart + 20));
  EXPECT_THAT(Numbers(columns, "answeredPerSecond"), ElementsAre(5, 0));
  EXPECT_THAT(Numbers(columns, "failedPerSecond"), ElementsAre(.5, 0));
  EXPECT_THAT(Numbers(columns, "p50Ms"), ElementsAre(0.0125, -1));
  EXPECT_THAT(Numbers(columns, "serviceLevel"), ElementsAre(1, 0));
  EXPECT_THAT(Numbers(Object(columns, "recall"), "taste"), ElementsAre(.9, -1));
  EXPECT_THAT(Numbers(Object(columns, "recall"), "popular"),
              ElementsAre(-1, -1));
  const Fields& sources = Object(json.fields(), "sources");
  const auto source = [&](const char* span, int place) -> const Fields& {
    return sources.at(span).list_value().values(place).struct_value().fields();
  };
  EXPECT_EQ(source("life", 0).at("admitted").number_value(), 40);
  EXPECT_EQ(source("hour", 0).at("admitted").number_value(), 30);
  EXPECT_EQ(source("hour", 1).at("admitted").number_value(), 60);
  EXPECT_EQ(source("hour", 0).at("recall").number_value(), .9);
  EXPECT_EQ(Object(source("hour", 0), "shortfall").at("CAPPED").number_value(),
            4);
  EXPECT_EQ(Object(source("hour", 0), "overlap").at("popular").number_value(),
            7);
}

TEST(MetricsHistoryTest, IsJsonWithNothingInIt) {
  const MetricsHistory history(4);
  const auto json = Parse(history.Json(At(0), {}));
  EXPECT_TRUE(Numbers(Object(json.fields(), "columns"), "times").empty());
}

// A rate over a few milliseconds would jump.
TEST(MetricsHistoryTest, LeavesOutALastIntervalThatHasJustBegun) {
  MetricsHistory history(4);
  history.Add(At(0));
  history.Add(At(10));
  const auto times = [&](double now) {
    const auto json = Parse(history.Json(At(now), {}));
    return Numbers(Object(json.fields(), "columns"), "times");
  };
  EXPECT_THAT(times(10.01), ElementsAre(kStart + 10));
  EXPECT_THAT(times(12), ElementsAre(kStart + 10, kStart + 12));
}

TEST(MetricsSampleTest, QuantilesLieWithinTheirBuckets) {
  decltype(MetricsSample::latency) calls{};
  EXPECT_TRUE(std::isnan(QuantileOf(calls, .5)));
  calls[0] = 100;
  EXPECT_DOUBLE_EQ(QuantileOf(calls, .5), 12.5e-6);
  EXPECT_DOUBLE_EQ(QuantileOf(calls, 1), 25e-6);
  calls[2] = 100;  // 50 to 100 us
  EXPECT_DOUBLE_EQ(QuantileOf(calls, .5), 25e-6);
  EXPECT_DOUBLE_EQ(QuantileOf(calls, .75), 75e-6);
  calls = {};
  calls.back() = 3;  // longer than all bounds
  EXPECT_DOUBLE_EQ(QuantileOf(calls, .5), 5);
}

TEST(MetricsSampleTest, ReadsTheServersOwnMetrics) {
  ServerMetrics metrics;
  MethodMetrics& retrieve =
      metrics.AddMethod("tributary.v1.Retrieval", "Retrieve");
  MethodMetrics& json = metrics.AddMethod("http", "POST /v1/retrieve");
  MethodMetrics& batch =
      metrics.AddMethod("tributary.v1.Retrieval", "BatchRetrieve");
  MethodMetrics& control = metrics.AddMethod("tributary.v1.Bundles", "Stage");
  v1::Manifest manifest;
  manifest.add_retrievers()->set_name("taste");
  manifest.add_retrievers()->set_name("popular");
  metrics.MadeResident(manifest);
  using Code = absl::StatusCode;
  retrieve.Handled(Code::kOk, microseconds(40));
  json.Handled(Code::kOk, microseconds(60));
  batch.Handled(Code::kOk, std::chrono::seconds(1));
  retrieve.Handled(Code::kUnavailable, microseconds(1));
  retrieve.Handled(Code::kInvalidArgument, microseconds(1));
  control.Handled(Code::kOk, std::chrono::seconds(3));
  RetrieverMetrics& taste = metrics.ForRetriever("taste");
  taste.admitted.Add(5);
  taste.proposed.Add(8);
  taste.shortfall[v1::NO_QUERY].Add(3);
  taste.overlap[metrics.ForRetriever("popular").slot].Add(2);
  taste.live_recall[2].Add(9, 10);
  taste.live_recall[0].Add(1, 10);
  metrics.service_level = 2;

  SourceNames names;
  const MetricsSample sample = MakeSample(metrics.Collect(), kStart, &names);
  EXPECT_EQ(sample.answered, 3);
  EXPECT_EQ(sample.failed, 1);
  EXPECT_EQ(sample.refused, 1);
  double single = 0;
  for (const double calls : sample.latency) single += calls;
  EXPECT_EQ(single, 4);
  EXPECT_EQ(sample.latency[1], 1);
  EXPECT_EQ(sample.latency[2], 1);
  EXPECT_EQ(sample.service_level, 2);
  EXPECT_GT(sample.resident_bytes, 1 << 20);
  EXPECT_GT(sample.memory_limit_bytes, sample.memory_available_bytes);
  EXPECT_THAT(names.names(), ElementsAre("taste", "popular"));
  const SourceSample& source = sample.sources[0];
  EXPECT_EQ(source.admitted, 5);
  EXPECT_EQ(source.proposed, 8);
  EXPECT_EQ(source.shortfall[v1::NO_QUERY], 3);
  EXPECT_EQ(source.overlap[1], 2);
  EXPECT_EQ(source.recall_hits, 9);
  EXPECT_EQ(source.recall_expected, 10);
}

TEST(MetricsSampleTest, MoreSourcesThanFitAreLeftOut) {
  ServerMetrics metrics;
  v1::Manifest manifest;
  for (int i = 0; i < 40; ++i) {
    manifest.add_retrievers()->set_name("source-" + std::to_string(i));
  }
  metrics.MadeResident(manifest);
  metrics.ForRetriever("source-39").admitted.Add(1);
  SourceNames names;
  const MetricsSample sample = MakeSample(metrics.Collect(), kStart, &names);
  EXPECT_EQ(names.names().size(), kMaxSampledSources);
  for (const SourceSample& source : sample.sources) {
    EXPECT_EQ(source.admitted, 0);
  }
}

}  // namespace
}  // namespace tributary
