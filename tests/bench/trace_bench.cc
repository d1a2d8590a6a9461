// What a call pays for its trace and for the log of slow calls, apart from the
// call itself: begun, the notes of five sources, and ended. Times are those of
// the call's thread; spans wait for a collector that is not there.
#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <string>

#include "server/pipeline/server_config.h"
#include "server/service/call_trace.h"
#include "spdlog/spdlog.h"

namespace tributary {
namespace {

// A call whose stages took what they usually do.
void Note(SteadyTime began, StageTimes* stages) {
  using std::chrono::microseconds;
  stages->Begin(began);
  stages->planned = began + microseconds(9);
  stages->source_count = 5;
  for (uint32_t i = 0; i < stages->source_count; ++i) {
    stages->sources[i] = {.name = "behavior",
                          .began = began + microseconds(10),
                          .duration = microseconds(50),
                          .state = SourceState::kAnswered,
                          .asked = 500,
                          .proposed = 500,
                          .admitted = 100};
  }
  stages->fused = began + microseconds(70);
  stages->replied = began + microseconds(90);
}

void Run(benchmark::State& state, bool traces, double share,
         uint32_t slow_line_ms, const std::string& request_id) {
  spdlog::set_level(spdlog::level::off);
  v1::ServerConfig given;
  given.set_bundles("bundles");
  given.mutable_tracing()->set_otlp_endpoint("127.0.0.1:9");
  given.mutable_tracing()->set_queue_length(1'000'000);
  given.mutable_tracing()->set_sample_share(share);
  given.mutable_slow_calls()->set_threshold_ms(slow_line_ms);
  const v1::ServerConfig config = *CompleteServerConfig(given);
  TracingMetrics tracing_metrics;
  const auto exporter = *SpanExporter::Create(config.tracing());
  exporter->Start(&tracing_metrics);
  ServerMetrics metrics;
  CallTracer tracer(config, traces ? exporter.get() : nullptr, &metrics);
  const CallMethod method = {.rpc_service = "tributary.v1.Retrieval",
                             .rpc_method = "Retrieve",
                             .listener = "127.0.0.1:7700"};
  CallTrace trace;
  for (auto _ : state) {
    const SteadyTime now = std::chrono::steady_clock::now();
    trace.Begin(&tracer, &method, {.request_id = request_id}, now);
    if (StageTimes* const stages = trace.stages()) Note(now, stages);
    benchmark::DoNotOptimize(trace.End(absl::OkStatus()));
  }
}

constexpr char kName[] = "0af76519-16cd-43dd-8448-eb211c80319c";

void BM_Off(benchmark::State& state) { Run(state, false, 0, 0, ""); }
BENCHMARK(BM_Off);
void BM_SlowCalls(benchmark::State& state) { Run(state, false, 0, 100, ""); }
BENCHMARK(BM_SlowCalls);
void BM_NotSampled(benchmark::State& state) { Run(state, true, 0, 100, ""); }
BENCHMARK(BM_NotSampled);
void BM_Named(benchmark::State& state) { Run(state, true, 0, 100, kName); }
BENCHMARK(BM_Named);
// As many calls as the queue has room for.
void BM_Sampled(benchmark::State& state) { Run(state, true, 1, 100, ""); }
BENCHMARK(BM_Sampled)->Iterations(50'000);

}  // namespace
}  // namespace tributary
