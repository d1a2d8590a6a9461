#ifndef TRIBUTARY_SERVER_METRICS_TRACING_METRICS_H_
#define TRIBUTARY_SERVER_METRICS_TRACING_METRICS_H_

#include <array>
#include <string_view>

#include "server/metrics/latency_histogram.h"

namespace tributary {

// Why spans are dropped, as label values: see SpanDrop (server/tracing).
inline constexpr std::array<std::string_view, 4> kSpanDropReasons = {
    "queue_full", "not_exported", "rejected", "shutdown"};

// What became of spans. Thread-safe.
struct TracingMetrics {
  // Spans that the collector took.
  Counter exported;
  // Spans that it did not get, by index in kSpanDropReasons.
  std::array<Counter, kSpanDropReasons.size()> dropped;
  // Calls to the collector that failed; most are tried again.
  Counter failures;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_METRICS_TRACING_METRICS_H_
