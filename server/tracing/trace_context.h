// Spans of calls and of staging: where a call stands in its caller's trace, and
// how spans come to a collector. This folder knows nothing of requests: what
// becomes a span is decided in service/ and loader/.
//
// This file: W3C Trace Context, https://www.w3.org/TR/trace-context/.
#ifndef TRIBUTARY_SERVER_TRACING_TRACE_CONTEXT_H_
#define TRIBUTARY_SERVER_TRACING_TRACE_CONTEXT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tributary {

using TraceId = std::array<uint8_t, 16>;
using SpanId = std::array<uint8_t, 8>;

// The names of the metadata and headers.
inline constexpr char kTraceparentHeader[] = "traceparent";
inline constexpr char kTracestateHeader[] = "tracestate";
inline constexpr char kRequestIdHeader[] = "x-request-id";

// A longer `tracestate` is not carried on.
inline constexpr size_t kMaxTracestateBytes = 512;

// What a caller says of its trace.
struct TraceParent {
  TraceId trace_id;
  // The caller's span.
  SpanId span_id;
  // Whether the caller keeps its spans.
  bool sampled = false;

  bool operator==(const TraceParent&) const = default;
};

// Reads a `traceparent`: VERSION "-" TRACE "-" SPAN "-" FLAGS, in lower-case
// hexadecimal. Nothing for what the standard forbids: another form, version ff,
// ids of zeros, and anything behind the flags in version 00. Of later versions
// the same four fields are read, and what follows them, after another "-", is
// ignored.
std::optional<TraceParent> ParseTraceparent(std::string_view text);

// In version 00.
std::string FormatTraceparent(const TraceParent& parent);

// The `tracestate` as it is carried on: the text itself, or nothing for one
// that is too long or has bytes other than printable ASCII.
std::string_view CarriedTracestate(std::string_view text);

// In lower-case hexadecimal.
std::string HexOf(const TraceId& id);

// Ids that nobody else has, from a generator of the calling thread's own.
TraceId RandomTraceId();
SpanId RandomSpanId();

// Whether a trace without a parent is among the `share` that is sampled, by its
// id: every program that goes by the same share decides the same.
bool IsSampled(const TraceId& id, double share);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TRACING_TRACE_CONTEXT_H_
