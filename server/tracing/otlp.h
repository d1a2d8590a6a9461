#ifndef TRIBUTARY_SERVER_TRACING_OTLP_H_
#define TRIBUTARY_SERVER_TRACING_OTLP_H_

#include <span>
#include <string>

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"
#include "server/tracing/span.h"

namespace tributary {

using OtlpRequest =
    opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest;

// A request without spans, which says what program, of which version, on which
// host they are of.
OtlpRequest OtlpRequestOf(const std::string& service_name);

// Replaces the spans of a request that OtlpRequestOf made.
void SetOtlpSpans(std::span<const Span> spans, OtlpRequest* request);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TRACING_OTLP_H_
