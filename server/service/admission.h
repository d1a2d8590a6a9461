#ifndef TRIBUTARY_SERVER_SERVICE_ADMISSION_H_
#define TRIBUTARY_SERVER_SERVICE_ADMISSION_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "fmt/format.h"
#include "server/metrics/server_metrics.h"

namespace tributary {

// Limits how many calls of the data plane run at a time, over all transports.
// The counter is the metrics' gauge requests_in_flight. Thread-safe and
// lock-free.
class Admission {
 public:
  // `metrics` outlives this and every ticket.
  Admission(uint32_t max_concurrent_requests, ServerMetrics* metrics)
      : limit_(max_concurrent_requests), metrics_(metrics) {}

  struct Leave {
    void operator()(ServerMetrics* metrics) const {
      metrics->requests_in_flight.fetch_sub(1, std::memory_order_relaxed);
    }
  };
  // Held while the call runs.
  using Ticket = std::unique_ptr<ServerMetrics, Leave>;

  // Admits a call, or refuses it at once: RESOURCE_EXHAUSTED while
  // max_concurrent_requests calls are running, UNAVAILABLE after Close.
  absl::StatusOr<Ticket> Admit() const {
    if (closed_.load(std::memory_order_relaxed)) {
      return absl::UnavailableError("the server is shutting down");
    }
    Ticket ticket(metrics_);
    if (metrics_->requests_in_flight.fetch_add(1, std::memory_order_relaxed) >=
        limit_) {
      return absl::ResourceExhaustedError(fmt::format(
          "{} requests are in progress, which is the limit", limit_));
    }
    return ticket;
  }

  // Admits no more calls; those in progress continue.
  void Close() { closed_ = true; }
  // Whether no call is in progress.
  bool Idle() const { return metrics_->requests_in_flight == 0; }

 private:
  const int64_t limit_;
  std::atomic<bool> closed_{false};
  ServerMetrics* const metrics_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_ADMISSION_H_
