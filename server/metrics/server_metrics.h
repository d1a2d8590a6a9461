// The server's metrics. pipeline/, service/ and rpc/ write them, http/ serves
// them to Prometheus.
#ifndef TRIBUTARY_SERVER_METRICS_SERVER_METRICS_H_
#define TRIBUTARY_SERVER_METRICS_SERVER_METRICS_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"
#include "server/metrics/latency_histogram.h"
#include "server/metrics/tracing_metrics.h"
#include "sync/mutex.h"
#include "tributary/v1/bundles.pb.h"
#include "tributary/v1/manifest.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Retrievers beyond this number share one set of counters, named kOtherName.
inline constexpr size_t kMaxRetrieverNames = 64;
inline constexpr size_t kMaxMethods = 64;
// Pairs of a label and a profile beyond this number share one set of counters.
inline constexpr size_t kMaxAudiences = 64;
inline constexpr char kOtherName[] = "other";
// What AddMethod calls the service of what is asked by GET over HTTP.
inline constexpr char kObservedService[] = "http_get";

// Counters of one RPC method. Thread-safe.
struct MethodMetrics {
  std::string service;
  std::string method;
  // Completed calls by absl::StatusCode, whose numbers are gRPC's.
  std::array<Counter, 17> handled;
  // Durations of completed calls.
  LatencyHistogram seconds;

  void Handled(absl::StatusCode code, std::chrono::nanoseconds duration) {
    const auto i = static_cast<size_t>(code);
    handled[i < handled.size() ? i : 2].Add();  // 2: UNKNOWN
    seconds.Observe(duration);
  }
};

// The list lengths k at which live recall is measured, as label values. The
// last is the number of candidates that the retriever was asked for.
inline constexpr std::array<std::string_view, 3> kLiveRecallDepths = {
    "20", "100", "asked"};

// Why calls are refused, as label values: see Refusal (server/service).
inline constexpr std::array<std::string_view, 3> kRefusalReasons = {
    "limit", "wait", "deadline"};

// Why calls are refused for who makes them, as label values: see Denial
// (server/access).
inline constexpr std::array<std::string_view, 3> kDenialReasons = {
    "no_identity", "not_valid", "role_missing"};

// Live recall of one retriever at one list length. Reading is thread-safe.
class LiveRecallMetrics {
 public:
  // Adds a sampled request: `found` of the `expected` exact results were
  // proposed. REQUIRES: one call at a time.
  void Add(uint64_t found, uint64_t expected);
  uint64_t hits() const { return hits_.value(); }
  uint64_t expected() const { return expected_.value(); }
  // Recall over about the last 100 samples (exponential decay); 1 before the
  // first.
  double recent() const;

 private:
  Counter hits_;
  Counter expected_;
  std::atomic<double> recent_hits_{0};
  std::atomic<double> recent_expected_{0};
};

// The bounds of the shares of items that filters let pass.
inline constexpr std::array<double, 7> kFilterShares = {0,    1e-5, 1e-4, 1e-3,
                                                        1e-2, 1e-1, 0.5};
inline constexpr std::array<std::string_view, 8> kFilterShareNames = {
    "0", "0.00001", "0.0001", "0.001", "0.01", "0.1", "0.5", "1"};

// Counters of one retriever. Thread-safe.
struct RetrieverMetrics {
  std::string name;
  // This retriever's index in `overlap` of the others.
  size_t slot = 0;
  // Durations of searches.
  LatencyHistogram seconds;
  // Candidates in replies that count towards this retriever's quota.
  Counter admitted;
  // Candidates in replies that this retriever proposed, whichever quota they
  // count towards.
  Counter proposed;
  // Candidates by which quotas were missed, by v1::ShortfallCause.
  std::array<Counter, v1::ShortfallCause_ARRAYSIZE> shortfall;
  // By slot: candidates of `proposed` that the retriever in that slot proposed
  // as well.
  std::array<Counter, kMaxRetrieverNames + 1> overlap;
  // By index in kLiveRecallDepths.
  std::array<LiveRecallMetrics, kLiveRecallDepths.size()> live_recall;
};

// Counters of the requests that one label's version answered with one profile.
// Thread-safe.
struct AudienceMetrics {
  std::string label;
  // Empty for none.
  std::string profile;
  // How long it took to answer, from the plan to the reply.
  LatencyHistogram seconds;
  // Requests that failed, by absl::StatusCode.
  std::array<Counter, 17> failed;
};

// All metric families of /metrics. The request path writes to the public
// counters and to those that AddMethod and ForRetriever return, without locks.
// A scrape reads them one by one, not as one consistent state. Thread-safe.
class ServerMetrics : public prometheus::Collectable {
 public:
  ServerMetrics();
  ~ServerMetrics() override;

  // The counters of a method, which are created by the first call with its
  // name. The reference is valid as long as this object. Call it before
  // serving. REQUIRES: at most kMaxMethods methods.
  MethodMetrics& AddMethod(std::string service, std::string method)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Creates counters for the bundle's retrievers, up to kMaxRetrieverNames.
  // Call it before requests are answered from the bundle.
  void MadeResident(const v1::Manifest& manifest) ABSL_LOCKS_EXCLUDED(mutex_);
  // Records the duration of a swap, and shows the recall that was measured when
  // the now active bundle was built.
  void Activated(const v1::Manifest& manifest,
                 std::chrono::nanoseconds swap_duration)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Sets the source of the metrics about versions, labels and the loader. It is
  // called on the thread that scrapes. Without one, or after a call with
  // nullptr, these families are not shown. Waits for a scrape in progress.
  void WatchBundles(std::function<v1::ServerStatus()> get_status)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // The counters of a retriever, once a bundle that has it was made resident;
  // those of kOtherName for any other name. Lock-free. The reference is valid
  // as long as this object.
  RetrieverMetrics& ForRetriever(std::string_view name);

  // Calls `visit` with the name and the recent live recall, at the longest
  // lists, of each retriever whose live recall was measured.
  void ForEachLiveRecall(const std::function<void(std::string_view name,
                                                  double recall)>& visit) const;

  // The counters of a label (empty for the active version) and a profile (empty
  // for none). Lock-free, except for the first call with a pair. The reference
  // is valid as long as this object.
  AudienceMetrics& ForAudience(std::string_view label, std::string_view profile)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Counts a request that failed, as ForAudience. The profile is the one that
  // applied, or empty: never what a request merely names.
  void Failed(std::string_view label, std::string_view profile,
              absl::StatusCode code) {
    const auto i = static_cast<size_t>(code);
    AudienceMetrics& audience = ForAudience(label, profile);
    audience.failed[i < audience.failed.size() ? i : 2].Add();  // 2: UNKNOWN
  }

  std::vector<prometheus::MetricFamily> Collect() const override;
  // Collect(), in Prometheus' text exposition format 0.0.4.
  std::string Text() const;

  // Requests in progress over gRPC and HTTP, those of them that wait for a
  // thread, how many the server admits at present, and the v1::ServiceLevel by
  // which they are answered; service/ updates them.
  std::atomic<int64_t> requests_in_flight{0};
  std::atomic<int64_t> requests_waiting{0};
  std::atomic<int64_t> concurrency_limit{0};
  std::atomic<int64_t> service_level{0};
  // How many sets of items requests may exclude by name, and how much memory
  // their keys take.
  std::atomic<int64_t> item_sets{0};
  std::atomic<int64_t> item_sets_bytes{0};
  // Live changes: the last one that is applied, when it was written, how many
  // did nothing, whether some cannot be read, how many items are taken down,
  // have expired and have attributes that changes set, and how many users have
  // events.
  std::atomic<int64_t> changes_through{0};
  std::atomic<int64_t> changes_last_ms{0};
  std::atomic<int64_t> changes_refused{0};
  std::atomic<int64_t> changes_failing{0};
  std::atomic<int64_t> removed_items{0};
  std::atomic<int64_t> expired_items{0};
  std::atomic<int64_t> changed_items{0};
  std::atomic<int64_t> changed_users{0};
  std::atomic<int64_t> added_items{0};
  // The certificate that listeners show: when it expires, in seconds since
  // 1970 (0: nothing is encrypted), whether its files have another one that
  // cannot be taken, and how often files were taken and refused.
  std::atomic<int64_t> certificate_not_after_s{0};
  std::atomic<int64_t> certificate_refused{0};
  Counter certificates_taken;
  Counter certificates_refused;
  // Calls that were refused for who makes them, by index in kDenialReasons.
  std::array<Counter, kDenialReasons.size()> denied;
  // Calls of the control plane whose record could not be written.
  Counter audit_failures;
  // Recording calls: 1 while they are kept, else 0; those that are in the file,
  // and those that are not because too many waited, or for their size.
  std::atomic<int64_t> recording{0};
  Counter recorded;
  Counter recording_dropped_queue;
  Counter recording_dropped_size;
  // Spans of calls, and calls that were slow.
  TracingMetrics tracing;
  Counter slow_calls;
  // Calls that were refused when they arrived, by index in kRefusalReasons.
  std::array<Counter, kRefusalReasons.size()> refused;
  // Calls that were cancelled, or whose deadline passed, while they waited.
  Counter dropped;
  // How long calls waited for a thread.
  LatencyHistogram wait_seconds;
  // How long calls had a thread, in all, in nanoseconds.
  Counter busy_ns;
  // Requests answered, by v1::ServiceLevel.
  std::array<Counter, v1::ServiceLevel_ARRAYSIZE> answered_at_level;

  // Requests answered; each entry of a batch counts as one.
  Counter retrievals;
  // Requests answered for cold users, whom the bundle does not know.
  Counter cold_starts;
  // Requests answered although a source failed or was late.
  Counter degraded;
  LatencyHistogram fusion_seconds;
  // Requests with a filter: how long it took to find what passes, whether that
  // was known from an earlier request, and whether terms were dropped because
  // too few items passed.
  LatencyHistogram filter_seconds;
  Counter filter_hits;
  Counter filter_misses;
  Counter filters_relaxed;
  // Requests with a filter, by the first of kFilterShares that is not below the
  // share of the items that passed.
  std::array<Counter, kFilterShares.size() + 1> filter_shares;
  // Requests with caps, those of them for which sources were asked for more,
  // and how many proposed items caps kept out; requests with boosts or decay.
  Counter capped;
  Counter asked_deeper;
  Counter cap_rejections;
  Counter reweighed;
  // Diverse lists: how long choosing them took, and those that the deadline
  // stopped.
  LatencyHistogram diversity_seconds;
  Counter diversity_stopped;
  // Replies with a page after which there are more.
  Counter pages_continued;
  // Requests that live recall searched again exactly, and sampled requests that
  // did not fit into its queue.
  Counter live_recall_samples;
  Counter live_recall_dropped;

 private:
  void AddRetriever(std::string_view name)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddAudience(std::string_view label, std::string_view profile)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Null for a pair that has no counters yet.
  AudienceMetrics* FindAudience(std::string_view label,
                                std::string_view profile) const;
  void CollectBundles(std::vector<prometheus::MetricFamily>* families) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  void CollectTotals(std::vector<prometheus::MetricFamily>* families) const;
  void CollectFilters(std::vector<prometheus::MetricFamily>* families) const;
  void CollectLoad(std::vector<prometheus::MetricFamily>* families) const;
  void CollectAccess(std::vector<prometheus::MetricFamily>* families) const;
  void CollectRecording(std::vector<prometheus::MetricFamily>* families) const;
  void CollectTracing(std::vector<prometheus::MetricFamily>* families) const;
  static void CollectProcess(std::vector<prometheus::MetricFamily>* families);

  // Tables that are read without a lock and appended to with mutex_ held.
  // Entries below the count never change; the count is published last.
  std::array<std::unique_ptr<MethodMetrics>, kMaxMethods> methods_;
  std::atomic<size_t> method_count_{0};
  // Slot 0 belongs to kOtherName.
  std::array<std::unique_ptr<RetrieverMetrics>, kMaxRetrieverNames + 1>
      retrievers_;
  std::atomic<size_t> retriever_count_{0};
  // Slot 0 belongs to kOtherName, slot 1 to the active version without a
  // profile.
  std::array<std::unique_ptr<AudienceMetrics>, kMaxAudiences + 1> audiences_;
  std::atomic<size_t> audience_count_{0};
  LatencyHistogram swap_seconds_;

  // Guarded by mutex_, which no request takes.
  mutable Mutex mutex_;
  std::function<v1::ServerStatus()> get_status_ ABSL_GUARDED_BY(mutex_);
  v1::MeasuredRecall measured_recall_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_METRICS_SERVER_METRICS_H_
