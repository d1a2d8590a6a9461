#ifndef TRIBUTARY_SERVER_TRACING_SPAN_EXPORTER_H_
#define TRIBUTARY_SERVER_TRACING_SPAN_EXPORTER_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "server/metrics/tracing_metrics.h"
#include "server/tracing/otlp.h"
#include "server/tracing/span.h"
#include "sync/mutex.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Why spans are dropped.
enum class SpanDrop {
  // As many wait as may.
  kQueueFull,
  // The collector could not be reached, or failed, too often.
  kNotExported,
  // The collector did not want them.
  kRejected,
  // The program ended before they were sent.
  kShutdown,
};

// Sends spans to a collector, by OTLP over gRPC, from a thread of its own,
// every interval_ms or as soon as there are enough. Whoever has spans hands
// them over and goes on: a collector that is slow or away makes them wait, up
// to queue_length of them, and others are dropped and counted. A batch that the
// collector could not take is sent again a few times, later and later.
// Thread-safe.
class SpanExporter {
 public:
  // `tracing` is complete, with an endpoint. Does not connect yet. Errors name
  // the field, as "tracing.otlp_endpoint: ..." and "tracing.access.ca_file:
  // ...", and are those of OpenChannel.
  static absl::StatusOr<std::unique_ptr<SpanExporter>> Create(
      const v1::Tracing& tracing);
  // Begins to send. Call it once, before spans are offered. `metrics` outlives
  // this.
  void Start(TracingMetrics* metrics);
  // Stops.
  ~SpanExporter();
  SpanExporter(const SpanExporter&) = delete;
  SpanExporter& operator=(const SpanExporter&) = delete;

  // Whether spans that are offered now have a chance. Where there is no room
  // they need not be made, and are to be told to Dropped. Lock-free.
  bool HasRoom() const {
    return waiting_.load(std::memory_order_relaxed) < queue_length_;
  }
  // Counts spans as dropped that were not made.
  void Dropped(size_t spans) {
    metrics_->dropped[static_cast<size_t>(SpanDrop::kQueueFull)].Add(spans);
  }

  // Queues spans, all or none of them. Never waits for the collector.
  void Offer(std::vector<Span> spans) ABSL_LOCKS_EXCLUDED(mutex_);

  // Sends what waits for kStopTime at most, and drops the rest and what is
  // offered from now on. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);
  static constexpr std::chrono::milliseconds kStopTime{1000};

 private:
  using Clock = std::chrono::steady_clock;

  SpanExporter(const v1::Tracing& tracing,
               std::shared_ptr<grpc::Channel> channel);

  void Run();
  // Waits until spans are to be sent. False at the end.
  bool WaitForSpans() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Waits before a batch is sent again. False when the time is up, or there
  // will be no more attempts.
  bool WaitToRetry(int attempt) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes whole traces from the queue, until there are kBatchSpans.
  std::vector<Span> TakeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Sends the batch, perhaps several times, and counts what became of it.
  void Deliver(const std::vector<Span>& batch) ABSL_LOCKS_EXCLUDED(mutex_);
  // One call to the collector. *rejected: how many spans it did not want.
  grpc::Status Send(const OtlpRequest& request, size_t* rejected)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Tell(const grpc::Status& status);
  void Drop(SpanDrop reason, size_t spans) {
    metrics_->dropped[static_cast<size_t>(reason)].Add(spans);
  }

  // Constant after construction.
  const std::string endpoint_;
  const size_t queue_length_;
  const std::chrono::milliseconds interval_;
  const std::shared_ptr<grpc::Channel> channel_;
  // Constant after Start.
  TracingMetrics* metrics_ = nullptr;

  // Written with mutex_ held.
  std::atomic<size_t> waiting_{0};
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::vector<Span>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  Clock::time_point stop_end_ ABSL_GUARDED_BY(mutex_);
  // The call in progress; null for none.
  grpc::ClientContext* call_ ABSL_GUARDED_BY(mutex_) = nullptr;

  // The thread's own: what it sends, and whether the last call failed.
  OtlpRequest request_;
  bool failing_ = false;
  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TRACING_SPAN_EXPORTER_H_
