#include "server/console/metrics_sample.h"

#include <algorithm>
#include <limits>

namespace tributary {
namespace {

// The control plane's calls are the loader's and an operator's.
constexpr std::string_view kControlPlane = "tributary.v1.Bundles";

std::string_view LabelOf(const prometheus::ClientMetric& metric,
                         std::string_view name) {
  for (const auto& label : metric.label) {
    if (label.name == name) return label.value;
  }
  return {};
}

// Codes that are the server's fault, or its load's.
bool IsFailure(std::string_view code) {
  constexpr std::array<std::string_view, 6> kFailures = {
      "Unknown",  "DeadlineExceeded", "ResourceExhausted",
      "Internal", "Unavailable",      "DataLoss"};
  return std::ranges::find(kFailures, code) != kFailures.end();
}

void AddCalls(const prometheus::ClientMetric& metric, MetricsSample* sample) {
  if (LabelOf(metric, "grpc_service") == kControlPlane) return;
  const std::string_view code = LabelOf(metric, "grpc_code");
  double& sum = code == "OK"      ? sample->answered
                : IsFailure(code) ? sample->failed
                                  : sample->refused;
  sum += metric.counter.value;
}

void AddLatency(const prometheus::ClientMetric& metric, MetricsSample* sample) {
  const std::string_view method = LabelOf(metric, "grpc_method");
  if (method != "Retrieve" && method != "POST /v1/retrieve") return;
  const auto& buckets = metric.histogram.bucket;
  uint64_t before = 0;
  for (size_t i = 0; i < std::min(buckets.size(), sample->latency.size());
       ++i) {
    sample->latency[i] +=
        static_cast<double>(buckets[i].cumulative_count - before);
    before = buckets[i].cumulative_count;
  }
}

void AddShortfall(const prometheus::ClientMetric& metric,
                  SourceSample* source) {
  v1::ShortfallCause cause = v1::NO_SHORTFALL;
  if (v1::ShortfallCause_Parse(std::string(LabelOf(metric, "cause")), &cause)) {
    source->shortfall[static_cast<size_t>(cause)] = metric.counter.value;
  }
}

// Gauges and counters without labels.
double* PlainNumber(std::string_view family, MetricsSample* sample) {
  if (family == "process_cpu_seconds_total") return &sample->cpu_seconds;
  if (family == "process_resident_memory_bytes") {
    return &sample->resident_bytes;
  }
  if (family == "tributary_memory_limit_bytes") {
    return &sample->memory_limit_bytes;
  }
  if (family == "tributary_memory_available_bytes") {
    return &sample->memory_available_bytes;
  }
  if (family == "tributary_requests_in_flight") return &sample->in_flight;
  if (family == "tributary_requests_waiting") return &sample->waiting;
  if (family == "tributary_concurrency_limit") {
    return &sample->concurrency_limit;
  }
  if (family == "tributary_service_level") return &sample->service_level;
  return nullptr;
}

// False where the family is not about sources.
bool AddSource(std::string_view family, const prometheus::ClientMetric& metric,
               SourceNames* names, MetricsSample* sample) {
  const std::string_view name = LabelOf(metric, "retriever");
  if (name.empty()) return false;
  const size_t place = names->PlaceOf(name);
  if (place == kMaxSampledSources) return true;
  SourceSample& source = sample->sources[place];
  if (family == "tributary_candidates_total") {
    source.admitted = metric.counter.value;
  } else if (family == "tributary_candidates_proposed_total") {
    source.proposed = metric.counter.value;
  } else if (family == "tributary_retriever_seconds") {
    source.searches = static_cast<double>(metric.histogram.sample_count);
  } else if (family == "tributary_shortfall_total") {
    AddShortfall(metric, &source);
  } else if (family == "tributary_source_overlap_total") {
    const size_t other = names->PlaceOf(LabelOf(metric, "other"));
    if (other < kMaxSampledSources) {
      source.overlap[other] = metric.counter.value;
    }
  } else if (LabelOf(metric, "k") == "asked") {
    if (family == "tributary_live_recall_hits_total") {
      source.recall_hits = metric.counter.value;
    } else if (family == "tributary_live_recall_expected_total") {
      source.recall_expected = metric.counter.value;
    }
  }
  return true;
}

// Families about retrievers that are not about what they do for requests.
bool IsAboutBuilds(std::string_view family) {
  return family.starts_with("tributary_build_");
}

}  // namespace

size_t SourceNames::PlaceOf(std::string_view name) {
  const auto found = std::ranges::find(names_, name);
  if (found != names_.end()) {
    return static_cast<size_t>(found - names_.begin());
  }
  if (names_.size() == kMaxSampledSources) return kMaxSampledSources;
  names_.emplace_back(name);
  return names_.size() - 1;
}

MetricsSample MakeSample(const std::vector<prometheus::MetricFamily>& families,
                         double unix_seconds, SourceNames* names) {
  MetricsSample sample;
  sample.unix_seconds = unix_seconds;
  for (const prometheus::MetricFamily& family : families) {
    if (IsAboutBuilds(family.name)) continue;
    double* const plain = PlainNumber(family.name, &sample);
    for (const prometheus::ClientMetric& metric : family.metric) {
      if (plain != nullptr) {
        *plain = family.type == prometheus::MetricType::Counter
                     ? metric.counter.value
                     : metric.gauge.value;
      } else if (family.name == "grpc_server_handled_total") {
        AddCalls(metric, &sample);
      } else if (family.name == "grpc_server_handling_seconds") {
        AddLatency(metric, &sample);
      } else if (!AddSource(family.name, metric, names, &sample)) {
        break;
      }
    }
  }
  return sample;
}

double QuantileOf(
    const std::array<double, LatencyHistogram::kBoundsNs.size() + 1>& calls,
    double share) {
  double all = 0;
  for (const double n : calls) all += n;
  if (all <= 0) return std::numeric_limits<double>::quiet_NaN();
  double below = 0;
  for (size_t i = 0; i < LatencyHistogram::kBoundsNs.size(); ++i) {
    const double wanted = share * all - below;
    if (calls[i] > 0 && wanted <= calls[i]) {
      const double from =
          i == 0 ? 0 : static_cast<double>(LatencyHistogram::kBoundsNs[i - 1]);
      const auto to = static_cast<double>(LatencyHistogram::kBoundsNs[i]);
      return (from + (to - from) * wanted / calls[i]) * 1e-9;
    }
    below += calls[i];
  }
  return static_cast<double>(LatencyHistogram::kBoundsNs.back()) * 1e-9;
}

}  // namespace tributary
