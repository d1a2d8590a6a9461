#include "server/tracing/span_exporter.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "server/tracing/tracing_config.h"
#include "tests/server/tracing/span_collector.h"

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;

v1::Tracing To(const std::string& address) {
  v1::Tracing tracing;
  tracing.set_otlp_endpoint(address);
  tracing.set_interval_ms(10);
  tracing.set_queue_length(100);
  return *CompleteTracing(tracing, "tributary-test");
}

std::vector<Span> Trace(size_t spans, const std::string& name) {
  std::vector<Span> trace(spans);
  const TraceId id = RandomTraceId();
  for (Span& span : trace) {
    span.trace_id = id;
    span.id = RandomSpanId();
    span.name = name;
    span.begin = span.end = std::chrono::system_clock::now();
  }
  return trace;
}

uint64_t Dropped(const TracingMetrics& metrics, SpanDrop reason) {
  return metrics.dropped[static_cast<size_t>(reason)].value();
}

bool WaitFor(const std::function<bool()>& done) {
  const auto end = Clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

std::unique_ptr<SpanExporter> Exporter(const v1::Tracing& tracing,
                                       TracingMetrics* metrics) {
  auto exporter = SpanExporter::Create(tracing);
  EXPECT_TRUE(exporter.ok()) << exporter.status();
  (*exporter)->Start(metrics);
  return *std::move(exporter);
}

TEST(SpanExporter, SendsWhatASpanSays) {
  SpanCollector collector;
  TracingMetrics metrics;
  const auto exporter = Exporter(To(collector.address()), &metrics);
  std::vector<Span> trace = Trace(1, "call");
  Span& span = trace[0];
  span.parent_id = RandomSpanId();
  span.tracestate = "a=b";
  span.kind = SpanKind::kServer;
  span.end = span.begin + std::chrono::milliseconds(3);
  span.Set("text", "x");
  span.SetNumber("number", -7);
  span.SetBool("truth", true);
  span.failed = true;
  span.error = "INTERNAL";
  const TraceId trace_id = span.trace_id;
  exporter->Offer(trace);
  const ReceivedSpan received = collector.WaitFor(
      [](const ReceivedSpan& got) { return got.name == "call"; });
  EXPECT_EQ(received.trace_id, HexOf(trace_id));
  EXPECT_EQ(received.parent_id.size(), 16);
  EXPECT_EQ(received.service, "tributary-test");
  EXPECT_EQ(received.tracestate, "a=b");
  EXPECT_TRUE(received.is_server);
  EXPECT_TRUE(received.failed);
  EXPECT_EQ(received.end_ns - received.begin_ns, 3'000'000);
  EXPECT_EQ(received.Get("text"), "x");
  EXPECT_EQ(received.Get("number"), "-7");
  EXPECT_EQ(received.Get("truth"), "true");
  EXPECT_TRUE(WaitFor([&] { return metrics.exported.value() == 1; }));
}

TEST(SpanExporter, DropsWhatDoesNotFitAndNeverWaits) {
  SpanCollector collector;
  collector.set_delay(std::chrono::seconds(3));
  TracingMetrics metrics;
  v1::Tracing tracing = To(collector.address());
  const auto exporter = Exporter(tracing, &metrics);
  exporter->Offer(Trace(1, "first"));
  // It is on its way: what follows waits.
  ASSERT_TRUE(WaitFor([&] { return collector.calls() == 1; }));
  const auto start = Clock::now();
  for (int i = 0; i < 50; ++i) exporter->Offer(Trace(7, "later"));
  EXPECT_LT(Clock::now() - start, std::chrono::milliseconds(500));
  // Whole traces: 14 of 7 spans are the most that 100 have room for.
  EXPECT_EQ(Dropped(metrics, SpanDrop::kQueueFull), 36 * 7);
  exporter->Offer(Trace(2, "fills"));
  EXPECT_FALSE(exporter->HasRoom());
  exporter->Dropped(3);
  EXPECT_EQ(Dropped(metrics, SpanDrop::kQueueFull), 36 * 7 + 3);
}

TEST(SpanExporter, SendsAgainWhatACollectorCouldNotTake) {
  SpanCollector collector;
  collector.set_status({grpc::StatusCode::UNAVAILABLE, "not now"});
  TracingMetrics metrics;
  const auto exporter = Exporter(To(collector.address()), &metrics);
  exporter->Offer(Trace(2, "kept"));
  ASSERT_TRUE(WaitFor([&] { return metrics.failures.value() >= 1; }));
  collector.set_status(grpc::Status::OK);
  EXPECT_TRUE(WaitFor([&] { return metrics.exported.value() == 2; }));
  EXPECT_EQ(Dropped(metrics, SpanDrop::kNotExported), 0);
}

TEST(SpanExporter, GivesUpAtOnceWhatACollectorRefuses) {
  SpanCollector collector;
  collector.set_status({grpc::StatusCode::PERMISSION_DENIED, "no"});
  TracingMetrics metrics;
  const auto exporter = Exporter(To(collector.address()), &metrics);
  exporter->Offer(Trace(4, "unwanted"));
  ASSERT_TRUE(
      WaitFor([&] { return Dropped(metrics, SpanDrop::kNotExported) == 4; }));
  EXPECT_EQ(collector.calls(), 1);
}

TEST(SpanExporter, SendsWhatWaitsWhenItStops) {
  SpanCollector collector;
  TracingMetrics metrics;
  v1::Tracing tracing = To(collector.address());
  tracing.set_interval_ms(60'000);
  const auto exporter = Exporter(tracing, &metrics);
  exporter->Offer(Trace(5, "last"));
  const auto start = Clock::now();
  exporter->Stop();
  EXPECT_LT(Clock::now() - start, SpanExporter::kStopTime);
  EXPECT_EQ(collector.Spans().size(), 5);
  EXPECT_EQ(metrics.exported.value(), 5);
  exporter->Offer(Trace(1, "too late"));
  EXPECT_EQ(Dropped(metrics, SpanDrop::kShutdown), 1);
}

TEST(SpanExporter, StopsInTimeWithACollectorThatIsSlowOrAway) {
  SpanCollector slow;
  slow.set_delay(std::chrono::seconds(30));
  int free_port = 0;
  { free_port = SpanCollector().port(); }
  const std::string away = "127.0.0.1:" + std::to_string(free_port);
  for (const std::string& address : {slow.address(), away}) {
    TracingMetrics metrics;
    const auto exporter = Exporter(To(address), &metrics);
    for (int i = 0; i < 3; ++i) exporter->Offer(Trace(30, "lost"));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto start = Clock::now();
    exporter->Stop();
    EXPECT_LT(Clock::now() - start, std::chrono::milliseconds(2500)) << address;
    EXPECT_EQ(metrics.exported.value(), 0);
    EXPECT_EQ(Dropped(metrics, SpanDrop::kNotExported) +
                  Dropped(metrics, SpanDrop::kShutdown),
              90)
        << address;
  }
}

TEST(SpanExporter, ShowsTheCollectorItsToken) {
  SpanCollector collector;
  const std::string token = testing::TempDir() + "/collector_token";
  std::ofstream(token) << "secret-of-spans\n";
  v1::Tracing tracing = To(collector.address());
  tracing.mutable_access()->set_token_file(token);
  TracingMetrics metrics;
  const auto exporter = Exporter(tracing, &metrics);
  exporter->Offer(Trace(1, "x"));
  ASSERT_TRUE(WaitFor([&] { return metrics.exported.value() == 1; }));
  EXPECT_EQ(collector.LastMetadata("authorization"), "Bearer secret-of-spans");
}

TEST(SpanExporter, NamesTheFieldThatIsWrong) {
  const auto error_of = [](const v1::Tracing& tracing) {
    return std::string(SpanExporter::Create(tracing).status().message());
  };
  EXPECT_TRUE(error_of(To("http://localhost:4317"))
                  .starts_with("tracing.otlp_endpoint: "));
  EXPECT_TRUE(error_of(To("collector")).starts_with("tracing.otlp_endpoint: "));
  v1::Tracing tracing = To("127.0.0.1:4317");
  tracing.mutable_access()->set_ca_file("/no/such/file");
  EXPECT_TRUE(error_of(tracing).starts_with("tracing.access.ca_file: "));
}

}  // namespace
}  // namespace tributary
