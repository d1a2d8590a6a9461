#include "tests/server/tracing/span_collector.h"

#include <algorithm>
#include <string_view>
#include <thread>

namespace tributary {
namespace {

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string TextOf(const opentelemetry::proto::common::v1::AnyValue& value) {
  if (value.has_string_value()) return value.string_value();
  if (value.has_int_value()) return std::to_string(value.int_value());
  if (value.has_bool_value()) return value.bool_value() ? "true" : "false";
  return std::to_string(value.double_value());
}

ReceivedSpan Received(const opentelemetry::proto::trace::v1::Span& span) {
  ReceivedSpan received;
  received.trace_id = Hex(span.trace_id());
  received.id = Hex(span.span_id());
  received.parent_id = Hex(span.parent_span_id());
  received.name = span.name();
  received.tracestate = span.trace_state();
  received.is_server =
      span.kind() == opentelemetry::proto::trace::v1::Span::SPAN_KIND_SERVER;
  received.failed = span.status().code() ==
                    opentelemetry::proto::trace::v1::Status::STATUS_CODE_ERROR;
  received.begin_ns = span.start_time_unix_nano();
  received.end_ns = span.end_time_unix_nano();
  for (const auto& attribute : span.attributes()) {
    received.attributes[attribute.key()] = TextOf(attribute.value());
  }
  return received;
}

}  // namespace

SpanCollector::SpanCollector(int port) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port),
                           grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
}

SpanCollector::~SpanCollector() {
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
}

void SpanCollector::set_status(grpc::Status status) {
  const std::lock_guard lock(mutex_);
  status_ = std::move(status);
}

void SpanCollector::set_delay(std::chrono::milliseconds delay) {
  const std::lock_guard lock(mutex_);
  delay_ = delay;
}

ReceivedSpan SpanCollector::WaitFor(
    const std::function<bool(const ReceivedSpan&)>& fits) {
  std::unique_lock lock(mutex_);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (true) {
    const auto found = std::ranges::find_if(spans_, fits);
    if (found != spans_.end()) return *found;
    if (changed_.wait_until(lock, end) == std::cv_status::timeout) return {};
  }
}

std::vector<ReceivedSpan> SpanCollector::Spans() const {
  const std::lock_guard lock(mutex_);
  return spans_;
}

std::vector<ReceivedSpan> SpanCollector::SpansOfTrace(
    const std::string& trace_id) const {
  std::vector<ReceivedSpan> spans = Spans();
  std::erase_if(spans, [&](const ReceivedSpan& span) {
    return span.trace_id != trace_id;
  });
  return spans;
}

int SpanCollector::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::string SpanCollector::LastMetadata(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? "" : found->second;
}

grpc::Status SpanCollector::Export(
    grpc::ServerContext* context,
    const opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest*
        request,
    opentelemetry::proto::collector::trace::v1::ExportTraceServiceResponse*
    /*response*/) {
  std::chrono::milliseconds delay;
  {
    const std::lock_guard lock(mutex_);
    delay = delay_;
    ++calls_;
  }
  const auto end = std::chrono::steady_clock::now() + delay;
  while (std::chrono::steady_clock::now() < end && !context->IsCancelled()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const std::lock_guard lock(mutex_);
  metadata_.clear();
  for (const auto& [key, value] : context->client_metadata()) {
    metadata_[{key.data(), key.size()}] = {value.data(), value.size()};
  }
  if (!status_.ok()) return status_;
  for (const auto& resource : request->resource_spans()) {
    std::string service;
    for (const auto& attribute : resource.resource().attributes()) {
      if (attribute.key() == "service.name") {
        service = attribute.value().string_value();
      }
    }
    for (const auto& scope : resource.scope_spans()) {
      for (const auto& span : scope.spans()) {
        spans_.push_back(Received(span));
        spans_.back().service = service;
      }
    }
  }
  changed_.notify_all();
  return grpc::Status::OK;
}

}  // namespace tributary
