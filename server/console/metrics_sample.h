#ifndef TRIBUTARY_SERVER_CONSOLE_METRICS_SAMPLE_H_
#define TRIBUTARY_SERVER_CONSOLE_METRICS_SAMPLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "prometheus/metric_family.h"
#include "server/metrics/latency_histogram.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Sources beyond this number are not sampled.
inline constexpr size_t kMaxSampledSources = 16;

// What one source did since the server started.
struct SourceSample {
  double admitted = 0;
  double proposed = 0;
  double searches = 0;
  // Of live recall, among what the source was asked for.
  double recall_hits = 0;
  double recall_expected = 0;
  // By v1::ShortfallCause.
  std::array<double, v1::ShortfallCause_ARRAYSIZE> shortfall{};
  // By the source's place in the names: candidates that both proposed.
  std::array<double, kMaxSampledSources> overlap{};
};

// What is kept of ServerMetrics for one moment. Its size is fixed. Sums are
// those since the server started.
struct MetricsSample {
  double unix_seconds = 0;
  // Sums. Calls of the data plane that were answered, that failed by the
  // server's fault, and that were refused by the caller's.
  double answered = 0;
  double failed = 0;
  double refused = 0;
  // Durations of single calls, over gRPC and HTTP: by bucket of
  // LatencyHistogram, not cumulative.
  std::array<double, LatencyHistogram::kBoundsNs.size() + 1> latency{};
  double cpu_seconds = 0;
  // As they are at that moment.
  double in_flight = 0;
  double waiting = 0;
  double concurrency_limit = 0;
  double service_level = 0;
  double resident_bytes = 0;
  double memory_limit_bytes = 0;
  double memory_available_bytes = 0;
  std::array<SourceSample, kMaxSampledSources> sources{};
};

// The sources of samples, in the order in which they were first seen.
class SourceNames {
 public:
  // The place of a name, which becomes known by it; kMaxSampledSources where
  // there is no place left.
  size_t PlaceOf(std::string_view name);
  std::span<const std::string> names() const { return names_; }

 private:
  std::vector<std::string> names_;
};

// Reads what ServerMetrics::Collect returned.
MetricsSample MakeSample(const std::vector<prometheus::MetricFamily>& families,
                         double unix_seconds, SourceNames* names);

// The duration in seconds below which a share of the calls stays, by the calls
// in each bucket, and linear within it; NaN without calls.
double QuantileOf(
    const std::array<double, LatencyHistogram::kBoundsNs.size() + 1>& calls,
    double share);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_CONSOLE_METRICS_SAMPLE_H_
