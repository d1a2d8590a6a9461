#include "server/service/call_trace.h"

#include <algorithm>
#include <utility>

#include "server/service/call_spans.h"
#include "spdlog/spdlog.h"

namespace tributary {
namespace {

// How many requests of a batch have spans of their own.
constexpr size_t kTracedEntries = 16;

std::chrono::nanoseconds FromMs(uint32_t ms) {
  return std::chrono::milliseconds(ms);
}

bool TookAs(std::chrono::nanoseconds time, std::chrono::nanoseconds limit,
            uint32_t requests) {
  return limit.count() > 0 && time >= limit * requests;
}

}  // namespace

std::string CallMethod::Name() const {
  if (http_method.empty()) return "/" + rpc_service + "/" + rpc_method;
  return http_method + " " + http_path;
}

CallTracer::CallTracer(const v1::ServerConfig& config, SpanExporter* exporter,
                       ServerMetrics* metrics)
    : share_(config.tracing().sample_share()),
      slow_span_(exporter == nullptr ? FromMs(0)
                                     : FromMs(config.tracing().slow_ms())),
      slow_line_(FromMs(config.slow_calls().threshold_ms())),
      exporter_(exporter),
      metrics_(metrics),
      lines_(config.slow_calls().max_per_second()) {}

void CallTrace::Begin(CallTracer* tracer, const CallMethod* method,
                      const CallHeaders& headers, SteadyTime now) {
  tracer_ = tracer;
  method_ = method;
  came_ = now;
  ran_ = {};
  requests_ = 1;
  version_ = 0;
  slow_entry_ = false;
  stages_.Begin({});
  tracestate_.clear();
  parent_id_ = {};
  const std::optional<TraceParent> parent =
      headers.traceparent.empty() ? std::nullopt
                                  : ParseTraceparent(headers.traceparent);
  has_parent_ = parent.has_value();
  if (has_parent_) {
    trace_id_ = parent->trace_id;
    parent_id_ = parent->span_id;
    tracestate_ = CarriedTracestate(headers.tracestate);
  } else {
    trace_id_ = RandomTraceId();
  }
  request_id_.clear();
  if (!headers.request_id.empty()) {
    request_id_ = IsRequestId(headers.request_id)
                      ? std::string(headers.request_id)
                      : HexOf(trace_id_);
  }
  id_ = {.given = request_id_, .number = trace_id_};
  const bool traces = tracer_ != nullptr && tracer_->exporter_ != nullptr;
  notes_ = tracer_ != nullptr && (traces || tracer_->slow_line_.count() > 0);
  sampled_ =
      traces && (has_parent_ ? parent->sampled
                             : method_->always_sampled ||
                                   IsSampled(trace_id_, tracer_->share_));
  if (!sampled_) return;
  span_id_ = RandomSpanId();
  // Live recall measures after the call, when this is perhaps another one.
  stages_.on_recall_measured = [exporter = tracer_->exporter_,
                                trace_id = trace_id_, parent_id = span_id_,
                                tracestate = tracestate_](SteadyTime began,
                                                          SteadyTime ended) {
    exporter->Offer(
        {RecallSpan(trace_id, parent_id, tracestate, began, ended)});
  };
}

std::chrono::nanoseconds CallTrace::Wait() const {
  const SteadyTime ran = ran_ == SteadyTime() ? stages_.began : ran_;
  return ran > came_ ? ran - came_ : std::chrono::nanoseconds(0);
}

void CallTrace::LogSlow(const SlowCall& call, SteadyTime now) const {
  tracer_->metrics_->slow_calls.Add();
  const std::optional<uint64_t> suppressed = tracer_->lines_.Take(now);
  if (!suppressed.has_value()) return;
  // The line has the name already.
  const CallScope none(nullptr);
  spdlog::warn("{}", SlowCallLine(call, *suppressed));
}

void CallTrace::EntryAnswered(size_t entry, const absl::Status& status) {
  Ran(stages_.began);
  if (!notes_) return;
  const SteadyTime ended = stages_.replied;
  const auto took = ended > stages_.began ? ended - stages_.began
                                          : std::chrono::nanoseconds(0);
  const bool slow = TookAs(took, tracer_->slow_span_, 1);
  slow_entry_ = slow_entry_ || slow;
  // Always filled, so that it is also known of a call which turns out to be
  // sampled later, would cost each batch a copy for each request.
  if ((sampled_ || slow) && entries_.size() < kTracedEntries) {
    entries_.push_back({entry, status.code(), stages_});
  }
  if (!TookAs(took, tracer_->slow_line_, 1)) return;
  LogSlow(
      {.request_id = id_.Text(),
       .trace_id =
           has_parent_ || tracer_->exporter_ != nullptr ? HexOf(trace_id_) : "",
       .method = method_->Name(),
       .code = status.code(),
       .total = took,
       .wait = {},
       .requests = requests_,
       .entry = entry,
       .stages = &stages_},
      ended);
}

void CallTrace::Export(const absl::Status& status, int http_status,
                       SteadyTime ended) {
  SpanExporter* const exporter = tracer_->exporter_;
  if (!exporter->HasRoom()) return exporter->Dropped(1);
  if (!sampled_) span_id_ = RandomSpanId();
  exporter->Offer(SpansOf({.trace_id = trace_id_,
                           .span_id = span_id_,
                           .parent_id = parent_id_,
                           .tracestate = tracestate_,
                           .request_id = id_.Text(),
                           .method = method_,
                           .came = came_,
                           .ran = came_ + Wait(),
                           .ended = ended,
                           .code = status.code(),
                           .http_status = http_status,
                           .requests = requests_,
                           .version = version_,
                           .stages = &stages_},
                          [&](const EntryFunction& add) {
                            for (const Entry& entry : entries_) {
                              add(entry.number, entry.code, entry.stages);
                            }
                          }));
}

std::string CallTrace::End(const absl::Status& status, int http_status) {
  bool told = !status.ok();
  if (notes_) {
    const SteadyTime now = std::chrono::steady_clock::now();
    const auto total = now - came_;
    if (tracer_->exporter_ != nullptr &&
        (sampled_ || slow_entry_ || !status.ok() ||
         TookAs(total, tracer_->slow_span_, requests_))) {
      Export(status, http_status, now);
      told = true;
    }
    if (method_->logs_slow && TookAs(total, tracer_->slow_line_, requests_)) {
      LogSlow({.request_id = id_.Text(),
               .trace_id = has_parent_ || tracer_->exporter_ != nullptr
                               ? HexOf(trace_id_)
                               : "",
               .method = method_->Name(),
               .code = status.code(),
               .total = total,
               .wait = Wait(),
               .requests = requests_,
               .entry = std::nullopt,
               .stages = requests_ == 1 ? &stages_ : nullptr},
              now);
      told = true;
    }
  }
  stages_.from = {};
  if (sampled_) stages_.on_recall_measured = nullptr;
  entries_.clear();
  return told && request_id_.empty() ? id_.Text() : request_id_;
}

}  // namespace tributary
