// Instruments for the request path: relaxed atomics, no locks.
// (prometheus::Histogram takes a mutex for each observation.)
#ifndef TRIBUTARY_SERVER_METRICS_LATENCY_HISTOGRAM_H_
#define TRIBUTARY_SERVER_METRICS_LATENCY_HISTOGRAM_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "prometheus/client_metric.h"

namespace tributary {

// A number that only grows. Thread-safe.
class Counter {
 public:
  void Add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// A histogram of durations in fixed buckets from 25 us to 5 s. Aligned to cache
// lines so that histograms do not share them. Observe costs two relaxed atomic
// additions. Thread-safe.
class alignas(64) LatencyHistogram {
 public:
  // The upper bounds of the buckets in nanoseconds, inclusive. One more bucket
  // holds longer durations.
  static constexpr std::array<uint64_t, 22> kBoundsNs = {
      25'000,        50'000,       100'000,     150'000,     200'000,
      300'000,       500'000,      750'000,     1'000'000,   1'500'000,
      2'000'000,     3'000'000,    5'000'000,   10'000'000,  20'000'000,
      50'000'000,    100'000'000,  250'000'000, 500'000'000, 1'000'000'000,
      2'500'000'000, 5'000'000'000};

  // Negative durations count as 0.
  void Observe(std::chrono::nanoseconds duration);

  // As Prometheus defines histograms: cumulative buckets, bounds in seconds.
  // The count is the sum of the buckets, so that one result is consistent even
  // while others observe.
  prometheus::ClientMetric::Histogram Read() const;

  // All observed durations together.
  std::chrono::nanoseconds sum() const {
    return std::chrono::nanoseconds(sum_ns_.load(std::memory_order_relaxed));
  }

 private:
  std::array<std::atomic<uint64_t>, kBoundsNs.size() + 1> buckets_{};
  std::atomic<uint64_t> sum_ns_{0};
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_METRICS_LATENCY_HISTOGRAM_H_
