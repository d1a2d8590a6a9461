// The server's numbers. This folder knows prometheus-cpp and the protos; it is
// written by pipeline/ and rpc/, and scraped by http/.
#ifndef TRIBUTARY_SERVER_METRICS_SERVER_METRICS_H_
#define TRIBUTARY_SERVER_METRICS_SERVER_METRICS_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"
#include "server/metrics/latency_histogram.h"
#include "tributary/v1/bundles.pb.h"
#include "tributary/v1/manifest.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Names beyond are counted under kOtherName.
inline constexpr size_t kMaxRetrieverNames = 64;
inline constexpr size_t kMaxMethods = 32;
inline constexpr char kOtherName[] = "other";

// Of one RPC method.
struct MethodMetrics {
  std::string service;
  std::string method;
  // By absl::StatusCode, which numbers as gRPC does.
  std::array<Counter, 17> handled;
  LatencyHistogram seconds;

  void Handled(absl::StatusCode code, std::chrono::nanoseconds duration) {
    const auto i = static_cast<size_t>(code);
    handled[i < handled.size() ? i : 2].Add();  // 2: UNKNOWN
    seconds.Observe(duration);
  }
};

// How deep live recall looks; the last is everything the source was asked for.
inline constexpr std::array<std::string_view, 3> kLiveRecallDepths = {
    "20", "100", "asked"};

// Hits among the exact answers, of sampled requests.
class LiveRecallMetrics {
 public:
  // Called by one thread at a time.
  void Add(uint64_t found, uint64_t expected);
  uint64_t hits() const { return hits_.value(); }
  uint64_t expected() const { return expected_.value(); }
  // Over about the last hundred samples; 1 before the first.
  double recent() const;

 private:
  Counter hits_;
  Counter expected_;
  std::atomic<double> recent_hits_{0};
  std::atomic<double> recent_expected_{0};
};

// Of one retriever. Thread-safe.
struct RetrieverMetrics {
  std::string name;
  // Its place in the table, for `overlap` of others.
  size_t slot = 0;
  LatencyHistogram seconds;
  // Candidates that count towards its quota.
  Counter admitted;
  // Candidates in replies that it proposed, admitted by it or not.
  Counter proposed;
  // Candidates missing to its quotas, by v1::ShortfallCause.
  std::array<Counter, v1::ShortfallCause_ARRAYSIZE> shortfall;
  // Of `proposed`, how many the retriever in the slot proposed too.
  std::array<Counter, kMaxRetrieverNames + 1> overlap;
  // By kLiveRecallDepths.
  std::array<LiveRecallMetrics, kLiveRecallDepths.size()> live_recall;
};

// Every family that /metrics shows. The request path writes to the public
// counters and to what Method() and ForRetriever() return, without locks;
// scrapes read them as they are. Thread-safe.
class ServerMetrics : public prometheus::Collectable {
 public:
  ServerMetrics();
  ~ServerMetrics() override;

  // The method's counters; the reference lives as long as the metrics. Called
  // once for each method before serving. REQUIRES: at most kMaxMethods.
  MethodMetrics& AddMethod(std::string service, std::string method);

  // Has counters for the retrievers of a bundle that may be asked from now on.
  // Beyond kMaxRetrieverNames they are kOtherName's.
  void MadeResident(const v1::Manifest& manifest);
  // Takes the recall measured at build of a bundle that became active.
  void Activated(const v1::Manifest& manifest,
                 std::chrono::nanoseconds swap_duration);

  // Where scrapes get active version, ages, swaps, refusals and resident bytes
  // from; called on the scraping thread. Until set, or reset with nullptr,
  // those are not shown. Waits for a scrape in progress.
  void WatchBundles(std::function<v1::ServerStatus()> get_status);

  // The counters of a retriever of a bundle that was resident; those of
  // kOtherName for any other. Lock-free; the reference lives as long as the
  // metrics.
  RetrieverMetrics& ForRetriever(std::string_view name);

  std::vector<prometheus::MetricFamily> Collect() const override;
  // Collect(), in Prometheus' text exposition format 0.0.4.
  std::string Text() const;

  // Calls in progress on the data plane: rpc/ and http/ keep it.
  std::atomic<int64_t> requests_in_flight{0};

  // Requests answered (each entry of a batch), those of users the bundle does
  // not know, and those for which a source failed or was late.
  Counter retrievals;
  Counter cold_starts;
  Counter degraded;
  LatencyHistogram fusion_seconds;
  Counter live_recall_samples;
  Counter live_recall_dropped;

 private:
  void AddRetriever(std::string_view name);
  void CollectBundles(std::vector<prometheus::MetricFamily>* families) const;
  void CollectTotals(std::vector<prometheus::MetricFamily>* families) const;

  // Append-only: entries below the count never change again.
  std::array<std::unique_ptr<MethodMetrics>, kMaxMethods> methods_;
  std::atomic<size_t> method_count_{0};
  // Slot 0 is kOtherName's.
  std::array<std::unique_ptr<RetrieverMetrics>, kMaxRetrieverNames + 1>
      retrievers_;
  std::atomic<size_t> retriever_count_{0};
  LatencyHistogram swap_seconds_;

  // Guards what follows, and appending above. Never taken by requests.
  mutable std::mutex mutex_;
  std::function<v1::ServerStatus()> get_status_;
  v1::MeasuredRecall measured_recall_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_METRICS_SERVER_METRICS_H_
