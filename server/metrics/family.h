#ifndef TRIBUTARY_SERVER_METRICS_FAMILY_H_
#define TRIBUTARY_SERVER_METRICS_FAMILY_H_

#include <string>
#include <utility>
#include <vector>

#include "prometheus/metric_family.h"
#include "server/metrics/latency_histogram.h"

namespace tributary {

using Labels = std::vector<prometheus::ClientMetric::Label>;

// Builds a metric family for a scrape.
class Family {
 public:
  Family(prometheus::MetricType type, std::string name, std::string help)
      : family_{std::move(name), std::move(help), type, {}} {}

  Family& Add(Labels labels, double value) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = value;
    metric.gauge.value = value;
    family_.metric.push_back(std::move(metric));
    return *this;
  }
  Family& Add(Labels labels, const Counter& counter) {
    return Add(std::move(labels), static_cast<double>(counter.value()));
  }
  Family& Add(Labels labels, const LatencyHistogram& histogram) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    metric.histogram = histogram.Read();
    family_.metric.push_back(std::move(metric));
    return *this;
  }

  void MoveTo(std::vector<prometheus::MetricFamily>* families) {
    families->push_back(std::move(family_));
  }

 private:
  prometheus::MetricFamily family_;
};

inline Family Counters(std::string name, std::string help) {
  return {prometheus::MetricType::Counter, std::move(name), std::move(help)};
}
inline Family Gauges(std::string name, std::string help) {
  return {prometheus::MetricType::Gauge, std::move(name), std::move(help)};
}
inline Family Histograms(std::string name, std::string help) {
  return {prometheus::MetricType::Histogram, std::move(name), std::move(help)};
}

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_METRICS_FAMILY_H_
