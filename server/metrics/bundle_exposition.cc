// The metric families of ServerMetrics about versions, labels and the loader.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/metrics/family.h"
#include "server/metrics/server_metrics.h"
#include "sync/mutex.h"

namespace tributary {
namespace {

double Seconds(const google::protobuf::Timestamp& time) {
  return static_cast<double>(time.seconds()) + time.nanos() * 1e-9;
}

double SecondsSince(const google::protobuf::Timestamp& time) {
  return absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()) - Seconds(time);
}

void CollectResidents(const v1::ServerStatus& status,
                      std::vector<prometheus::MetricFamily>* families) {
  Family bytes =
      Gauges("tributary_resident_bytes",
             "Size of the mapped files of each resident version, in bytes.");
  Family state =
      Gauges("tributary_bundle_state",
             "1 for each resident version; the label state is STAGED, ACTIVE "
             "or PREVIOUS.");
  for (const v1::BundleStatus& bundle : status.bundles()) {
    if (bundle.state() == v1::ON_DISK) continue;
    const std::string version = std::to_string(bundle.version());
    bytes.Add({{"version", version}}, static_cast<double>(bundle.size_bytes()));
    state.Add(
        {{"version", version}, {"state", v1::BundleState_Name(bundle.state())}},
        1);
    if (bundle.version() != status.active_version()) continue;
    Gauges("tributary_bundle_age_seconds",
           "Seconds since the active version was built.")
        .Add({}, SecondsSince(bundle.created_at()))
        .MoveTo(families);
  }
  bytes.MoveTo(families);
  state.MoveTo(families);
}

void CollectLabels(const v1::ServerStatus& status,
                   std::vector<prometheus::MetricFamily>* families) {
  Family version = Gauges("tributary_label_version",
                          "The version to which each label points.");
  Family share =
      Gauges("tributary_label_share",
             "Share of users, 0 to 1, whose requests get the label's version "
             "without naming a version or a label.");
  for (const v1::Label& label : status.labels()) {
    version.Add({{"label", label.name()}},
                static_cast<double>(label.version()));
    share.Add({{"label", label.name()}}, label.share());
  }
  version.MoveTo(families);
  share.MoveTo(families);
}

// The loader's latest report.
void CollectLoader(const v1::LoaderStatus& loader,
                   std::vector<prometheus::MetricFamily>* families) {
  const auto gauge = [&](const char* name, const char* help, double value) {
    Gauges(name, help).Add({}, value).MoveTo(families);
  };
  const auto counter = [&](const char* name, const char* help, uint64_t value) {
    Counters(name, help).Add({}, static_cast<double>(value)).MoveTo(families);
  };
  gauge("tributary_loader_report_age_seconds",
        "Seconds since the loader's latest report.", SecondsSince(loader.at()));
  gauge(
      "tributary_loader_store_version",
      "The version in the store's CURRENT when the loader last read it; 0 for "
      "none.",
      static_cast<double>(loader.current_version()));
  gauge("tributary_loader_last_good_version",
        "The last version that the loader saw activated; 0 for none.",
        static_cast<double>(loader.last_good_version()));
  gauge("tributary_loader_last_refused_version",
        "The last version that the loader refused; 0 for none.",
        static_cast<double>(loader.last_refusal().version()));
  gauge("tributary_loader_consecutive_errors",
        "Failed steps of the loader since its last successful step.",
        loader.consecutive_errors());
  counter("tributary_loader_fetched_bytes_total",
          "Bytes that the loader has fetched from the store since it started.",
          loader.fetched_bytes());
  counter("tributary_loader_shared_bytes_total",
          "Bytes of files that the loader did not fetch because another "
          "version on the host has the same file.",
          loader.shared_bytes());
  counter("tributary_loader_forced_total",
          "Versions that were activated although the gate refused them.",
          loader.forced());
}

// What is asked of the copy at each scrape; the rest is counted as it happens.
void CollectChanges(const v1::ChangesStatus& changes,
                    std::vector<prometheus::MetricFamily>* families) {
  Gauges(
      "tributary_changes_pending",
      "Live changes that the loader has copied and that are not applied yet.")
      .Add({}, static_cast<double>(changes.pending()))
      .MoveTo(families);
  if (!changes.has_checked_at()) return;
  Gauges("tributary_changes_lag_seconds",
         "Seconds since the loader last found that it has all live changes of "
         "the store.")
      .Add({}, std::max(SecondsSince(changes.checked_at()), 0.0))
      .MoveTo(families);
}

void CollectStatus(const v1::ServerStatus& status,
                   std::vector<prometheus::MetricFamily>* families) {
  CollectResidents(status, families);
  Gauges("tributary_active_version", "The active version; 0 for none.")
      .Add({}, static_cast<double>(status.active_version()))
      .MoveTo(families);
  if (status.has_activated_at()) {
    Gauges("tributary_activated_timestamp_seconds",
           "Unix time in seconds at which the active version was activated.")
        .Add({}, Seconds(status.activated_at()))
        .MoveTo(families);
  }
  Counters("tributary_swaps_total",
           "Changes of the active version, not counting the first activation.")
      .Add({}, static_cast<double>(status.swaps()))
      .MoveTo(families);
  Counters("tributary_bundle_refusals_total",
           "Refusals of versions, by the loader or by the server.")
      .Add({}, static_cast<double>(status.refusals()))
      .MoveTo(families);
  CollectLabels(status, families);
  if (status.has_loader()) CollectLoader(status.loader(), families);
  if (status.has_changes()) CollectChanges(status.changes(), families);
}

void CollectBuildRecall(const v1::MeasuredRecall& measured,
                        std::vector<prometheus::MetricFamily>* families) {
  Family recall = Gauges(
      "tributary_build_recall",
      "Recall at k of held-out interactions, 0 to 1, measured when the active "
      "version was built, or on the version in the label measured_on_version "
      "if there is one; by source and k.");
  for (const v1::MeasuredRecall::Point& point : measured.points()) {
    Labels labels = {{"source", point.source()},
                     {"k", std::to_string(point.k())}};
    if (measured.measured_on_version() > 0) {
      labels.push_back({"measured_on_version",
                        std::to_string(measured.measured_on_version())});
    }
    recall.Add(std::move(labels), point.recall());
  }
  recall.MoveTo(families);
}

}  // namespace

void ServerMetrics::CollectBundles(
    std::vector<prometheus::MetricFamily>* families) const {
  const MutexLock lock(&mutex_);
  CollectBuildRecall(measured_recall_, families);
  if (get_status_) CollectStatus(get_status_(), families);
}

}  // namespace tributary
