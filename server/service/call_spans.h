// The spans of a call that is over, of what was noted of its stages. Nothing in
// them is from the request but numbers and names of the configuration: neither
// keys nor texts of errors, which may quote the request.
#ifndef TRIBUTARY_SERVER_SERVICE_CALL_SPANS_H_
#define TRIBUTARY_SERVER_SERVICE_CALL_SPANS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "server/pipeline/stage_times.h"
#include "server/tracing/span.h"

namespace tributary {

struct CallMethod;

// A call that is over.
struct EndedCall {
  TraceId trace_id = {};
  SpanId span_id = {};
  // Zeros for none.
  SpanId parent_id = {};
  std::string tracestate = {};
  std::string request_id = {};
  const CallMethod* method = nullptr;
  SteadyTime came;
  // When it had a thread; `came` where that is not known.
  SteadyTime ran;
  SteadyTime ended;
  absl::StatusCode code = absl::StatusCode::kOk;
  // 0 for gRPC.
  int http_status = 0;
  uint32_t requests = 1;
  // The version that it is about, where the stages have none; 0 for none.
  uint64_t version = 0;
  // Of its only request, or of the last of several.
  const StageTimes* stages = nullptr;
};

// Called for each request of a batch that has spans of its own: its number, its
// code, its stages.
using EntryFunction =
    std::function<void(size_t, absl::StatusCode, const StageTimes&)>;

// The call's span, and those within it: wait, plan with filter, each source,
// fusion and reply; for a batch, these within a span for each of `entries`.
std::vector<Span> SpansOf(
    const EndedCall& call,
    absl::FunctionRef<void(const EntryFunction&)> entries);

// The span of what live recall did after a call.
Span RecallSpan(const TraceId& trace_id, const SpanId& parent_id,
                const std::string& tracestate, SteadyTime began,
                SteadyTime ended);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_CALL_SPANS_H_
