#include "server/loader/rollout_trace.h"

#include <utility>

namespace tributary {
namespace {

using RolloutClock = std::chrono::steady_clock;

// Nothing for actions that do not bring a version nearer to being served.
std::string SpanNameOf(LoaderAction::Kind kind) {
  switch (kind) {
    case LoaderAction::Kind::kFetch:
      return "fetch";
    case LoaderAction::Kind::kGate:
      return "trial";
    case LoaderAction::Kind::kStage:
      return "stage";
    case LoaderAction::Kind::kActivate:
      return "activate";
    default:
      return "";
  }
}

}  // namespace

void RolloutTrace::Follow(uint64_t version) {
  version_ = version;
  trace_id_ = RandomTraceId();
  root_ = RandomSpanId();
  seen_ = RolloutClock::now();
}

Span RolloutTrace::SpanOf(const std::string& name, const SpanId& id,
                          const SpanId& parent, RolloutClock::time_point began,
                          const absl::Status& status) const {
  const TimesOfDay time_of_day;
  Span span;
  span.trace_id = trace_id_;
  span.id = id;
  span.parent_id = parent;
  span.name = name;
  span.begin = time_of_day(began);
  span.end = time_of_day(RolloutClock::now());
  span.SetNumber("tributary.bundle.version", static_cast<int64_t>(version_));
  // The message may quote keys of items.
  span.failed = !status.ok();
  if (span.failed) {
    span.error = absl::StatusCodeToString(status.code());
    span.Set("error.type", span.error);
  }
  return span;
}

void RolloutTrace::Begin(const LoaderAction& action) {
  action_ = {};
  if (exporter_ == nullptr || action.version != version_ ||
      SpanNameOf(action.kind).empty()) {
    return;
  }
  action_ = RandomSpanId();
  began_ = RolloutClock::now();
}

void RolloutTrace::Part(const std::string& name, RolloutClock::time_point began,
                        const absl::Status& status) {
  if (action_ == SpanId{}) return;
  exporter_->Offer({SpanOf(name, RandomSpanId(), action_, began, status)});
}

void RolloutTrace::End(const LoaderAction& action, const absl::Status& status,
                       bool refused) {
  if (action_ == SpanId{}) return;
  std::vector<Span> spans;
  spans.push_back(
      SpanOf(SpanNameOf(action.kind), action_, root_, began_, status));
  if (refused) spans.back().SetBool("tributary.refused", true);
  const bool active =
      status.ok() && action.kind == LoaderAction::Kind::kActivate;
  if (active || refused) {
    spans.push_back(SpanOf("rollout", root_, {}, seen_, absl::OkStatus()));
    spans.back().Set("tributary.outcome", refused ? "refused" : "activated");
  }
  exporter_->Offer(std::move(spans));
  action_ = {};
}

std::string RolloutTrace::traceparent() const {
  if (action_ == SpanId{}) return "";
  return FormatTraceparent(
      {.trace_id = trace_id_, .span_id = action_, .sampled = true});
}

}  // namespace tributary
