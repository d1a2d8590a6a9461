#include "server/service/call_spans.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "fmt/format.h"
#include "server/service/call_trace.h"

namespace tributary {
namespace {

std::string_view NameOfState(SourceState state) {
  switch (state) {
    case SourceState::kAnswered:
      return "answered";
    case SourceState::kNoQuery:
      return "no_query";
    case SourceState::kLate:
      return "late";
    case SourceState::kFailed:
      return "failed";
    case SourceState::kLeftOut:
      return "left_out";
  }
  return "";
}

// The codes that are the server's fault, by the semantic conventions of
// OpenTelemetry for spans of servers. Others are in an attribute.
bool IsServerError(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

// Makes the spans of one trace.
class SpanMaker {
 public:
  SpanMaker(const EndedCall& call, std::vector<Span>* spans)
      : call_(call), spans_(*spans) {}

  // Valid until the next call.
  Span& Add(std::string name, const SpanId& id, const SpanId& parent,
            SteadyTime began, SteadyTime ended) {
    Span& span = spans_.emplace_back();
    span.trace_id = call_.trace_id;
    span.id = id;
    span.parent_id = parent;
    span.tracestate = call_.tracestate;
    span.name = std::move(name);
    span.begin = time_of_day_(began);
    span.end = time_of_day_(std::max(began, ended));
    return span;
  }

  void AddStages(const StageTimes& stages, const SpanId& parent) {
    if (stages.planned > stages.began) {
      const SpanId plan = RandomSpanId();
      Add("plan", plan, parent, stages.began, stages.planned);
      if (stages.filter_began != SteadyTime()) {
        Add("filter", RandomSpanId(), plan, stages.filter_began,
            stages.filter_began + stages.filter);
      }
    }
    for (uint32_t i = 0; i < stages.source_count; ++i) {
      AddSource(stages.sources[i], parent);
    }
    if (stages.fused == SteadyTime()) return;
    // With caps it may be in several rounds, and sources between them.
    const SteadyTime fused = stages.fused + stages.fusion;
    Add("fusion", RandomSpanId(), parent, stages.fused, fused)
        .SetNumber("tributary.candidates", stages.candidates);
    Add("reply", RandomSpanId(), parent, fused, stages.replied);
  }

 private:
  void AddSource(const SourceStage& source, const SpanId& parent) {
    if (source.began == SteadyTime()) return;
    Span& span = Add(fmt::format("source {}", source.name), RandomSpanId(),
                     parent, source.began, source.began + source.duration);
    span.Set("tributary.source", source.name);
    span.Set("tributary.state", NameOfState(source.state));
    span.SetNumber("tributary.asked", source.asked);
    span.SetNumber("tributary.proposed", source.proposed);
    span.SetNumber("tributary.admitted", source.admitted);
    span.failed = source.state == SourceState::kLate ||
                  source.state == SourceState::kFailed;
    if (span.failed) span.error = NameOfState(source.state);
  }

  const EndedCall& call_;
  std::vector<Span>& spans_;
  const TimesOfDay time_of_day_;
};

void SetListener(std::string_view listener, Span* span) {
  const size_t colon = listener.rfind(':');
  int port = 0;
  if (colon == std::string_view::npos || listener.starts_with("unix:")) {
    return span->Set("server.address", listener);
  }
  span->Set("server.address", listener.substr(0, colon));
  const std::string_view digits = listener.substr(colon + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (port != 0) span->SetNumber("server.port", port);
}

void SetMethod(const EndedCall& call, Span* span) {
  const CallMethod& method = *call.method;
  if (method.http_method.empty()) {
    span->Set("rpc.system", "grpc");
    span->Set("rpc.service", method.rpc_service);
    span->Set("rpc.method", method.rpc_method);
    span->SetNumber("rpc.grpc.status_code", static_cast<int64_t>(call.code));
  } else {
    span->Set("http.request.method", method.http_method);
    span->Set("http.route", method.http_path);
    if (call.http_status != 0) {
      span->SetNumber("http.response.status_code", call.http_status);
    }
  }
  SetListener(method.listener, span);
}

void SetAnswer(const EndedCall& call, Span* span) {
  const StageTimes& stages = *call.stages;
  const uint64_t version = stages.from.bundle == nullptr
                               ? call.version
                               : stages.from.bundle->bundle().version();
  if (version != 0) {
    span->SetNumber("tributary.bundle.version", static_cast<int64_t>(version));
  }
  const std::string_view label = stages.from.label.view();
  if (!label.empty()) span->Set("tributary.bundle.label", label);
  if (call.requests != 1) {
    span->SetNumber("tributary.requests", call.requests);
    return;
  }
  if (!stages.profile.empty()) span->Set("tributary.profile", stages.profile);
  if (stages.k > 0) span->SetNumber("tributary.k", stages.k);
  if (stages.replied == SteadyTime()) return;
  span->SetNumber("tributary.candidates", stages.candidates);
  span->SetBool("tributary.degraded", stages.degraded);
  span->SetBool("tributary.cold_start", stages.cold_start);
  span->Set("tributary.service_level", v1::ServiceLevel_Name(stages.level));
}

}  // namespace

std::vector<Span> SpansOf(
    const EndedCall& call,
    absl::FunctionRef<void(const EntryFunction&)> entries) {
  std::vector<Span> spans;
  SpanMaker maker(call, &spans);
  const std::string code = absl::StatusCodeToString(call.code);
  {
    const CallMethod& method = *call.method;
    Span& span = maker.Add(method.http_method.empty()
                               ? method.rpc_service + "/" + method.rpc_method
                               : method.Name(),
                           call.span_id, call.parent_id, call.came, call.ended);
    span.kind = SpanKind::kServer;
    SetMethod(call, &span);
    span.Set("tributary.request_id", call.request_id);
    SetAnswer(call, &span);
    if (call.code != absl::StatusCode::kOk) span.Set("error.type", code);
    span.failed = IsServerError(call.code);
    if (span.failed) span.error = code;
  }
  if (call.ran > call.came) {
    maker.Add("wait", RandomSpanId(), call.span_id, call.came, call.ran);
  }
  bool has_entries = false;
  entries([&](size_t number, absl::StatusCode entry_code,
              const StageTimes& stages) {
    has_entries = true;
    const SpanId id = RandomSpanId();
    Span& span =
        maker.Add("request", id, call.span_id, stages.began, stages.replied);
    span.SetNumber("tributary.entry", static_cast<int64_t>(number));
    if (!stages.profile.empty()) span.Set("tributary.profile", stages.profile);
    if (stages.k > 0) span.SetNumber("tributary.k", stages.k);
    if (entry_code != absl::StatusCode::kOk) {
      span.Set("error.type", absl::StatusCodeToString(entry_code));
    }
    maker.AddStages(stages, id);
  });
  if (!has_entries && call.requests == 1) {
    maker.AddStages(*call.stages, call.span_id);
  }
  return spans;
}

Span RecallSpan(const TraceId& trace_id, const SpanId& parent_id,
                const std::string& tracestate, SteadyTime began,
                SteadyTime ended) {
  const TimesOfDay time_of_day;
  Span span;
  span.trace_id = trace_id;
  span.id = RandomSpanId();
  span.parent_id = parent_id;
  span.tracestate = tracestate;
  span.name = "live recall";
  span.begin = time_of_day(began);
  span.end = time_of_day(ended);
  return span;
}

}  // namespace tributary
