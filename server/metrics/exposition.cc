// The metric families of ServerMetrics, with their names and help texts.
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "prometheus/text_serializer.h"
#include "server/metrics/family.h"
#include "server/metrics/server_metrics.h"

namespace tributary {
namespace {

// Status codes in the spelling of gRPC's Prometheus interceptors.
constexpr const char* kCodeNames[] = {"OK",
                                      "Canceled",
                                      "Unknown",
                                      "InvalidArgument",
                                      "DeadlineExceeded",
                                      "NotFound",
                                      "AlreadyExists",
                                      "PermissionDenied",
                                      "ResourceExhausted",
                                      "FailedPrecondition",
                                      "Aborted",
                                      "OutOfRange",
                                      "Unimplemented",
                                      "Internal",
                                      "Unavailable",
                                      "DataLoss",
                                      "Unauthenticated"};

// Shown from the start, so that rates have a base: a counter that appears with
// its first failures would hide them. Failures by the caller's own fault appear
// when there are some.
bool IsShownFromTheStart(size_t code) {
  switch (static_cast<absl::StatusCode>(code)) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

void CollectMethods(std::span<const std::unique_ptr<MethodMetrics>> methods,
                    std::vector<prometheus::MetricFamily>* families) {
  Family handled =
      Counters("grpc_server_handled_total",
               "Calls completed, by service, method and status code.");
  Family seconds =
      Histograms("grpc_server_handling_seconds",
                 "Duration of completed calls in seconds, by service and "
                 "method.");
  for (const auto& method : methods) {
    // No alert looks at failures of these.
    const bool only_ok = method->service == kObservedService;
    for (size_t code = 0; code < method->handled.size(); ++code) {
      const bool shown = only_ok ? code == 0 : IsShownFromTheStart(code);
      if (!shown && method->handled[code].value() == 0) continue;
      handled.Add({{"grpc_service", method->service},
                   {"grpc_method", method->method},
                   {"grpc_code", kCodeNames[code]}},
                  method->handled[code]);
    }
    seconds.Add(
        {{"grpc_service", method->service}, {"grpc_method", method->method}},
        method->seconds);
  }
  handled.MoveTo(families);
  seconds.MoveTo(families);
}

void CountByCode(const AudienceMetrics& audience, Family* requests) {
  const auto add = [&](size_t code, uint64_t count) {
    requests->Add({{"label", audience.label},
                   {"profile", audience.profile},
                   {"code", kCodeNames[code]}},
                  static_cast<double>(count));
  };
  add(0, audience.seconds.Read().sample_count);
  for (size_t code = 1; code < audience.failed.size(); ++code) {
    const uint64_t count = audience.failed[code].value();
    if (count > 0 || IsShownFromTheStart(code)) add(code, count);
  }
}

using Retrievers = std::span<const std::unique_ptr<RetrieverMetrics>>;

// kOtherName is shown only if it was used.
bool IsShown(const RetrieverMetrics& retriever) {
  return retriever.slot != 0 || retriever.seconds.Read().sample_count > 0;
}

void CollectSources(Retrievers retrievers,
                    std::vector<prometheus::MetricFamily>* families) {
  Family seconds = Histograms("tributary_retriever_seconds",
                              "Duration of searches in seconds, by retriever.");
  Family admitted =
      Counters("tributary_candidates_total",
               "Candidates in replies that count towards the retriever's "
               "quota.");
  Family proposed =
      Counters("tributary_candidates_proposed_total",
               "Candidates in replies that the retriever proposed, whichever "
               "quota they count towards.");
  Family shortfall =
      Counters("tributary_shortfall_total",
               "Candidates by which replies missed the retriever's quota, "
               "by cause.");
  Family overlap = Counters(
      "tributary_source_overlap_total",
      "Candidates in replies that both the retriever and the other one "
      "proposed.");
  for (const auto& retriever : retrievers) {
    if (!IsShown(*retriever)) continue;
    const Labels labels = {{"retriever", retriever->name}};
    seconds.Add(labels, retriever->seconds);
    admitted.Add(labels, retriever->admitted);
    proposed.Add(labels, retriever->proposed);
    for (size_t cause = 1; cause < retriever->shortfall.size(); ++cause) {
      shortfall.Add(
          {labels[0],
           {"cause", v1::ShortfallCause_Name(static_cast<int>(cause))}},
          retriever->shortfall[cause]);
    }
    for (const auto& other : retrievers) {
      if (other == retriever || !IsShown(*other)) continue;
      overlap.Add({labels[0], {"other", other->name}},
                  retriever->overlap[other->slot]);
    }
  }
  for (Family* family :
       {&seconds, &admitted, &proposed, &shortfall, &overlap}) {
    family->MoveTo(families);
  }
}

void CollectLiveRecall(Retrievers retrievers,
                       std::vector<prometheus::MetricFamily>* families) {
  Family hits =
      Counters("tributary_live_recall_hits_total",
               "Items of the exact top k of sampled requests that the "
               "retriever had proposed.");
  Family expected =
      Counters("tributary_live_recall_expected_total",
               "Items of the exact top k of sampled requests; k is a "
               "length, or \"asked\" for the number of candidates "
               "the retriever was asked for.");
  Family recall =
      Gauges("tributary_live_recall",
             "Recall at k of the retriever against an exact search, 0 to "
             "1, over about the last 100 sampled requests.");
  for (const auto& retriever : retrievers) {
    for (size_t depth = 0; depth < kLiveRecallDepths.size(); ++depth) {
      const LiveRecallMetrics& metrics = retriever->live_recall[depth];
      if (metrics.expected() == 0) continue;
      const Labels labels = {{"retriever", retriever->name},
                             {"k", std::string(kLiveRecallDepths[depth])}};
      hits.Add(labels, static_cast<double>(metrics.hits()));
      expected.Add(labels, static_cast<double>(metrics.expected()));
      recall.Add(labels, metrics.recent());
    }
  }
  for (Family* family : {&hits, &expected, &recall}) family->MoveTo(families);
}

}  // namespace

std::vector<prometheus::MetricFamily> ServerMetrics::Collect() const {
  std::vector<prometheus::MetricFamily> families;
  CollectMethods(
      {methods_.data(), method_count_.load(std::memory_order_acquire)},
      &families);
  const Retrievers retrievers(retrievers_.data(),
                              retriever_count_.load(std::memory_order_acquire));
  CollectSources(retrievers, &families);
  CollectLiveRecall(retrievers, &families);
  CollectBundles(&families);
  CollectTotals(&families);
  CollectProcess(&families);
  return families;
}

void ServerMetrics::CollectTotals(
    std::vector<prometheus::MetricFamily>* families) const {
  const auto counter = [&](const char* name, const char* help,
                           const Counter& value) {
    Counters(name, help).Add({}, value).MoveTo(families);
  };
  counter("tributary_retrievals_total",
          "Requests answered; each entry of a batch counts as one.",
          retrievals);
  counter("tributary_cold_starts_total",
          "Requests answered for cold users, who are not in the bundle.",
          cold_starts);
  counter("tributary_degraded_total",
          "Requests answered although at least one source failed or was late.",
          degraded);
  counter(
      "tributary_live_recall_samples_total",
      "Sampled requests that were searched again exactly to measure recall.",
      live_recall_samples);
  counter("tributary_live_recall_dropped_total",
          "Sampled requests that were dropped because the queue was full.",
          live_recall_dropped);
  Histograms("tributary_fusion_seconds",
             "Duration of fusion in seconds, for each request.")
      .Add({}, fusion_seconds)
      .MoveTo(families);
  counter("tributary_capped_total", "Requests with caps.", capped);
  counter("tributary_capped_deeper_total",
          "Requests with caps for which sources were asked for more, because "
          "the list was short.",
          asked_deeper);
  counter("tributary_cap_rejections_total",
          "Proposed items that caps kept out of lists.", cap_rejections);
  counter("tributary_reweighed_total", "Requests with boosts or decay.",
          reweighed);
  Histograms("tributary_diversity_seconds",
             "Seconds that it took to choose a diverse list, for each request "
             "with diversity.")
      .Add({}, diversity_seconds)
      .MoveTo(families);
  counter("tributary_diversity_stopped_total",
          "Requests with diversity whose deadline passed before the whole list "
          "was chosen.",
          diversity_stopped);
  counter("tributary_pages_continued_total",
          "Replies with a page after which there are more.", pages_continued);
  Family audiences = Histograms(
      "tributary_answer_seconds",
      "Seconds it took to answer a request, from its plan to its reply, by the "
      "label of the version that answered and the profile that applied.");
  Family requests = Counters(
      "tributary_requests_total",
      "Requests that were routed to a version, by its label, the profile that "
      "applied, and the code of the answer; each entry of a batch counts as "
      "one.");
  const size_t count = audience_count_.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; ++i) {
    const AudienceMetrics& audience = *audiences_[i];
    audiences.Add({{"label", audience.label}, {"profile", audience.profile}},
                  audience.seconds);
    CountByCode(audience, &requests);
  }
  requests.MoveTo(families);
  audiences.MoveTo(families);
  CollectFilters(families);
  Histograms("tributary_swap_seconds",
             "Seconds from the call that activates a version until requests "
             "are answered from it.")
      .Add({}, swap_seconds_)
      .MoveTo(families);
  CollectLoad(families);
  CollectAccess(families);
  CollectRecording(families);
  CollectTracing(families);
}

void ServerMetrics::CollectRecording(
    std::vector<prometheus::MetricFamily>* families) const {
  Gauges("tributary_recording",
         "1 while a share of the calls is kept in the recording, else 0.")
      .Add({}, static_cast<double>(recording.load(std::memory_order_relaxed)))
      .MoveTo(families);
  Counters("tributary_recorded_total", "Calls that are in the recording.")
      .Add({}, recorded)
      .MoveTo(families);
  Counters("tributary_recording_dropped_total",
           "Sampled calls that are not in the recording, by reason: too many "
           "waited to be written, or the call is too long for the file.")
      .Add({{"reason", "queue"}}, recording_dropped_queue)
      .Add({{"reason", "size"}}, recording_dropped_size)
      .MoveTo(families);
}

void ServerMetrics::CollectTracing(
    std::vector<prometheus::MetricFamily>* families) const {
  Counters("tributary_spans_exported_total",
           "Spans that the collector of traces took.")
      .Add({}, tracing.exported)
      .MoveTo(families);
  Family drops = Counters(
      "tributary_spans_dropped_total",
      "Spans that the collector of traces did not get, by reason: the queue "
      "was full, sending failed too often, the collector rejected them, the "
      "server ended.");
  for (size_t i = 0; i < kSpanDropReasons.size(); ++i) {
    drops.Add({{"reason", std::string(kSpanDropReasons[i])}},
              tracing.dropped[i]);
  }
  drops.MoveTo(families);
  Counters("tributary_span_export_failures_total",
           "Calls to the collector of traces that failed; most are repeated.")
      .Add({}, tracing.failures)
      .MoveTo(families);
  Counters("tributary_slow_calls_total",
           "Calls, and requests of batches, that took slow_calls.threshold_ms "
           "or more.")
      .Add({}, slow_calls)
      .MoveTo(families);
}

void ServerMetrics::CollectAccess(
    std::vector<prometheus::MetricFamily>* families) const {
  const int64_t not_after_s =
      certificate_not_after_s.load(std::memory_order_relaxed);
  const double now_s = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch());
  Gauges("tributary_tls_certificate_seconds_left",
         "Seconds until the certificate that listeners show expires; below 0 "
         "after that, and infinite where nothing is encrypted.")
      .Add({}, not_after_s == 0 ? std::numeric_limits<double>::infinity()
                                : static_cast<double>(not_after_s) - now_s)
      .MoveTo(families);
  Gauges("tributary_tls_files_refused",
         "1 while the files of the certificate cannot be taken, and the former "
         "certificate is shown.")
      .Add({}, static_cast<double>(
                   certificate_refused.load(std::memory_order_relaxed)))
      .MoveTo(families);
  Counters("tributary_tls_reloads_total",
           "Changes of the certificate's files, by whether they were taken.")
      .Add({{"result", "taken"}}, certificates_taken)
      .Add({{"result", "refused"}}, certificates_refused)
      .MoveTo(families);
  Family denials = Counters(
      "tributary_denied_total",
      "Calls that were refused for who makes them, by reason: nobody is shown, "
      "what is shown is not valid, or the role is not granted.");
  for (size_t i = 0; i < kDenialReasons.size(); ++i) {
    denials.Add({{"reason", std::string(kDenialReasons[i])}}, denied[i]);
  }
  denials.MoveTo(families);
  Counters("tributary_audit_failures_total",
           "Calls of the control plane whose record could not be written.")
      .Add({}, audit_failures)
      .MoveTo(families);
}

void ServerMetrics::CollectFilters(
    std::vector<prometheus::MetricFamily>* families) const {
  Histograms("tributary_filter_seconds",
             "Seconds that it took to find the items that pass a request's "
             "filter.")
      .Add({}, filter_seconds)
      .MoveTo(families);
  Counters("tributary_filters_total",
           "Requests with a filter, by whether the items that pass were known "
           "from an earlier request.")
      .Add({{"cache", "hit"}}, filter_hits)
      .Add({{"cache", "miss"}}, filter_misses)
      .MoveTo(families);
  Counters("tributary_filters_relaxed_total",
           "Requests of whose filter terms were dropped because too few items "
           "passed.")
      .Add({}, filters_relaxed)
      .MoveTo(families);
  Family shares =
      Counters("tributary_filter_shares_total",
               "Requests with a filter, by the share of items that passed: at "
               "most `at_most`, and more than the next lower one.");
  for (size_t i = 0; i < filter_shares.size(); ++i) {
    shares.Add({{"at_most", std::string(kFilterShareNames[i])}},
               filter_shares[i]);
  }
  shares.MoveTo(families);
  const auto gauge = [&](const char* name, const char* help,
                         const std::atomic<int64_t>& value) {
    Gauges(name, help)
        .Add({}, static_cast<double>(value.load(std::memory_order_relaxed)))
        .MoveTo(families);
  };
  gauge("tributary_item_sets",
        "Sets of items that requests may exclude by name.", item_sets);
  gauge("tributary_item_sets_bytes",
        "Memory that the keys of all item sets take, in bytes.",
        item_sets_bytes);
  gauge("tributary_changes_through",
        "The number of the last live change that is applied.", changes_through);
  gauge("tributary_changes_refused",
        "Live changes that did nothing, because this server does not know what "
        "they do, or not all, because a value is not of its attribute's type.",
        changes_refused);
  gauge("tributary_changes_failing",
        "1 while live changes cannot be read, else 0.", changes_failing);
  gauge("tributary_removed_items", "Items that live changes took down.",
        removed_items);
  gauge("tributary_expired_items",
        "Items that are in no answer because they have expired.",
        expired_items);
  gauge("tributary_changed_items",
        "Items of which live changes set attributes.", changed_items);
  gauge("tributary_changed_users", "Users of whom live changes have events.",
        changed_users);
  gauge("tributary_added_items",
        "Items that live changes added, of the resident version that lacks "
        "most of them.",
        added_items);
  Gauges("tributary_changes_last_timestamp_seconds",
         "When the last live change that is applied was written, in seconds "
         "since 1970; 0 without one.")
      .Add({}, static_cast<double>(
                   changes_last_ms.load(std::memory_order_relaxed)) /
                   1000)
      .MoveTo(families);
}

void ServerMetrics::CollectLoad(
    std::vector<prometheus::MetricFamily>* families) const {
  const auto gauge = [&](const char* name, const char* help,
                         const std::atomic<int64_t>& value) {
    Gauges(name, help)
        .Add({}, static_cast<double>(value.load(std::memory_order_relaxed)))
        .MoveTo(families);
  };
  gauge("tributary_requests_in_flight",
        "Requests in progress over gRPC and HTTP; each entry of a batch counts "
        "as one.",
        requests_in_flight);
  gauge("tributary_requests_waiting",
        "Requests in progress that wait for a thread.", requests_waiting);
  gauge("tributary_concurrency_limit",
        "How many requests in progress the server admits at present.",
        concurrency_limit);
  gauge("tributary_service_level",
        "How much of a request is done at present: 0 all, 1 less search "
        "effort, 2 fewer sources, 3 popularity only.",
        service_level);
  Histograms("tributary_wait_seconds",
             "Seconds that calls waited for a thread before they were "
             "answered.")
      .Add({}, wait_seconds)
      .MoveTo(families);
  Counters("tributary_busy_seconds_total",
           "Seconds that calls had a request thread, of all threads together.")
      .Add({}, static_cast<double>(busy_ns.value()) * 1e-9)
      .MoveTo(families);
  Family refusals = Counters(
      "tributary_refused_total",
      "Calls that were refused with RESOURCE_EXHAUSTED when they arrived, by "
      "reason: as many requests in progress as the limit allows, too long a "
      "wait for a thread, a deadline before its end.");
  for (size_t i = 0; i < kRefusalReasons.size(); ++i) {
    refusals.Add({{"reason", std::string(kRefusalReasons[i])}}, refused[i]);
  }
  refusals.MoveTo(families);
  Counters("tributary_dropped_total",
           "Calls that were cancelled, or whose deadline passed, while they "
           "waited for a thread.")
      .Add({}, dropped)
      .MoveTo(families);
  Family levels = Counters("tributary_answered_total",
                           "Requests answered, by service level.");
  for (size_t i = 0; i < answered_at_level.size(); ++i) {
    levels.Add({{"level", v1::ServiceLevel_Name(static_cast<int>(i))}},
               answered_at_level[i]);
  }
  levels.MoveTo(families);
}

std::string ServerMetrics::Text() const {
  return prometheus::TextSerializer().Serialize(Collect());
}

}  // namespace tributary
