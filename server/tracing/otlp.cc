#include "server/tracing/otlp.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "fmt/format.h"
#include "version/version.h"

namespace tributary {
namespace {

namespace otlp_trace = opentelemetry::proto::trace::v1;
using OtlpSpan = otlp_trace::Span;
using OtlpValue = opentelemetry::proto::common::v1::AnyValue;

template <typename Id>
std::string BytesOf(const Id& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

uint64_t UnixNanos(std::chrono::system_clock::time_point time) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(
          time.time_since_epoch())
          .count());
}

OtlpSpan::SpanKind KindOf(SpanKind kind) {
  switch (kind) {
    case SpanKind::kServer:
      return OtlpSpan::SPAN_KIND_SERVER;
    case SpanKind::kClient:
      return OtlpSpan::SPAN_KIND_CLIENT;
    case SpanKind::kInternal:
      break;
  }
  return OtlpSpan::SPAN_KIND_INTERNAL;
}

struct SetValue {
  OtlpValue* value;
  void operator()(const std::string& text) const {
    value->set_string_value(text);
  }
  void operator()(int64_t number) const { value->set_int_value(number); }
  void operator()(double number) const { value->set_double_value(number); }
  void operator()(bool truth) const { value->set_bool_value(truth); }
};

void WriteSpan(const Span& span, OtlpSpan* written) {
  written->set_trace_id(BytesOf(span.trace_id));
  written->set_span_id(BytesOf(span.id));
  if (span.parent_id != SpanId{}) {
    written->set_parent_span_id(BytesOf(span.parent_id));
  }
  written->set_trace_state(span.tracestate);
  written->set_name(span.name);
  written->set_kind(KindOf(span.kind));
  written->set_start_time_unix_nano(UnixNanos(span.begin));
  // Every reader may rely on it.
  written->set_end_time_unix_nano(UnixNanos(std::max(span.begin, span.end)));
  for (const auto& [name, value] : span.attributes) {
    auto* const attribute = written->add_attributes();
    attribute->set_key(std::string(name));
    std::visit(SetValue{attribute->mutable_value()}, value);
  }
  if (!span.failed) return;
  written->mutable_status()->set_code(otlp_trace::Status::STATUS_CODE_ERROR);
  written->mutable_status()->set_message(span.error);
}

}  // namespace

OtlpRequest OtlpRequestOf(const std::string& service_name) {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  OtlpRequest request;
  auto* const spans = request.add_resource_spans();
  const auto set = [spans](const char* name, const std::string& value) {
    auto* const attribute = spans->mutable_resource()->add_attributes();
    attribute->set_key(name);
    attribute->mutable_value()->set_string_value(value);
  };
  set("service.name", service_name);
  set("service.version", Version());
  set("service.instance.id", fmt::format("{}:{}", host.data(), getpid()));
  set("host.name", host.data());
  auto* const scope = spans->add_scope_spans()->mutable_scope();
  scope->set_name("tributary");
  scope->set_version(Version());
  return request;
}

void SetOtlpSpans(std::span<const Span> spans, OtlpRequest* request) {
  auto* const written =
      request->mutable_resource_spans(0)->mutable_scope_spans(0);
  written->clear_spans();
  for (const Span& span : spans) WriteSpan(span, written->add_spans());
}

}  // namespace tributary
