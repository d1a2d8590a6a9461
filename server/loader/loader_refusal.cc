// The loader's refusals: when a version is refused, and for how long.
#include <string>

#include "google/protobuf/util/time_util.h"
#include "server/loader/loader.h"
#include "spdlog/spdlog.h"

namespace tributary {
namespace {

using google::protobuf::util::TimeUtil;

v1::Refusal Summary(const v1::RefusalReport& report) {
  v1::Refusal refusal;
  refusal.set_version(report.version());
  refusal.set_reason(report.reason());
  *refusal.mutable_at() = report.at();
  return refusal;
}

}  // namespace

void Loader::RecallRefusal() {
  refused_ = refusals_.Load(current_);
  refusal_saved_ = refused_.has_value();
  if (!refused_) return;
  *status_.mutable_last_refusal() = Summary(*refused_);
  if (refused_->depends_on().empty()) refused_.reset();
}

bool Loader::IsStillRefused(const std::optional<ServerView>& server,
                            const std::stop_token& stop) {
  if (!refused_) return false;
  const std::string changed = WhatChanged(server, stop);
  if (changed.empty()) return true;
  spdlog::info("event=retrying version={} reason={:?}", current_, changed);
  refused_.reset();
  lost_stages_ = 0;
  return false;
}

std::string Loader::WhatChanged(const std::optional<ServerView>& server,
                                const std::stop_token& stop) {
  if (server && server->active == current_) return "it is active";
  if (refusal_saved_ && !refusals_.Has(current_))
    return "its report was removed";
  const auto manifest = store_->ReadManifest(current_, stop);
  // A manifest that cannot be read is no repaired manifest.
  if (manifest.ok() && manifest->Fingerprint() != refused_->fingerprint()) {
    return "its manifest changed";
  }
  const std::string& depends_on = refused_->depends_on();
  if (depends_on.empty()) return "";
  if (!refused_->has_gate()) {
    const std::string verify = trial_.VerifyDependsOn();
    if (!depends_on.starts_with(verify)) {
      return "the loader or its settings changed";
    }
    // What the server refused, one with another configuration or program may
    // take.
    return !server || depends_on == verify ||
                   depends_on == verify + kServerPrefix + server_started_
               ? ""
               : "the server was restarted";
  }
  return !server || depends_on == trial_.GateDependsOn(current_, serving_)
             ? ""
             : "the gate's settings or the active version changed";
}

void Loader::Refuse(uint64_t version, const std::string& fingerprint,
                    const std::string& reason, const std::string& depends_on,
                    const v1::GateReport* gate) {
  spdlog::error("event=refused version={} reason={:?} report={}", version,
                reason, refusals_.TextPath(version).string());
  v1::RefusalReport report;
  report.set_version(version);
  report.set_reason(reason);
  *report.mutable_at() = TimeUtil::GetCurrentTime();
  report.set_fingerprint(fingerprint);
  report.set_depends_on(depends_on);
  if (gate != nullptr) *report.mutable_gate() = *gate;
  *status_.mutable_last_refusal() = Summary(report);
  const absl::Status saved = refusals_.Save(report);
  refusal_saved_ = saved.ok();
  refused_ = std::move(report);
  gate_checked_ = {};
  if (saved.ok()) return;
  // After a restart the loader will try the version again.
  spdlog::warn("event=refusal_write_failed version={} reason={:?}", version,
               std::string(saved.message()));
}

}  // namespace tributary
