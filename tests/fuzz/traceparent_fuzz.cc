// The input is a traceparent, and a tracestate. One that is understood must be
// written as one that means the same.
#include "server/tracing/trace_context.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tributary;  // NOLINT
  const std::string_view text = AsText(data, size);
  Require(CarriedTracestate(text).size() <= kMaxTracestateBytes);
  const auto parent = ParseTraceparent(text);
  if (!parent.has_value()) return 0;
  Require(parent->trace_id != TraceId{} && parent->span_id != SpanId{});
  const std::string written = FormatTraceparent(*parent);
  Require(ParseTraceparent(written) == parent);
  // Version 00 has one way to write each, but for flags that nobody knows.
  if (text.starts_with("00-"))
    Require(written.substr(0, 53) == text.substr(0, 53));
  return 0;
}
