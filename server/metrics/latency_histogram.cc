#include "server/metrics/latency_histogram.h"

#include <algorithm>
#include <limits>

namespace tributary {

void LatencyHistogram::Observe(std::chrono::nanoseconds duration) {
  const auto ns = static_cast<uint64_t>(std::max<int64_t>(0, duration.count()));
  const auto* bound = std::lower_bound(kBoundsNs.begin(), kBoundsNs.end(), ns);
  buckets_[static_cast<size_t>(bound - kBoundsNs.begin())].fetch_add(
      1, std::memory_order_relaxed);
  sum_ns_.fetch_add(ns, std::memory_order_relaxed);
}

prometheus::ClientMetric::Histogram LatencyHistogram::Read() const {
  prometheus::ClientMetric::Histogram histogram;
  histogram.bucket.reserve(buckets_.size());
  uint64_t cumulative = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    cumulative += buckets_[i].load(std::memory_order_relaxed);
    const double bound = i < kBoundsNs.size()
                             ? static_cast<double>(kBoundsNs[i]) * 1e-9
                             : std::numeric_limits<double>::infinity();
    histogram.bucket.push_back({cumulative, bound});
  }
  histogram.sample_count = cumulative;
  histogram.sample_sum =
      static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) * 1e-9;
  return histogram;
}

}  // namespace tributary
