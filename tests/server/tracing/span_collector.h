// A collector of traces in this process: a real gRPC server that takes OTLP,
// and keeps what it is sent.
#ifndef TRIBUTARY_TESTS_SERVER_TRACING_SPAN_COLLECTOR_H_
#define TRIBUTARY_TESTS_SERVER_TRACING_SPAN_COLLECTOR_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.grpc.pb.h"

namespace tributary {

// A span as it was received.
struct ReceivedSpan {
  // In hexadecimal; parent_id is empty for none.
  std::string trace_id;
  std::string id;
  std::string parent_id;
  std::string service;
  std::string name;
  std::string tracestate;
  bool is_server = false;
  bool failed = false;
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  // Values as text.
  std::map<std::string, std::string> attributes;

  std::string Get(const std::string& attribute) const {
    const auto found = attributes.find(attribute);
    return found == attributes.end() ? "" : found->second;
  }
};

class SpanCollector final
    : public opentelemetry::proto::collector::trace::v1::TraceService::Service {
 public:
  // Listens on a free port of 127.0.0.1, or on that one.
  explicit SpanCollector(int port = 0);
  ~SpanCollector() override;

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  // What further calls are answered.
  void set_status(grpc::Status status);
  // Further calls are answered after this time.
  void set_delay(std::chrono::milliseconds delay);

  // Waits until a span fits; the first one. An empty span after 20 s.
  ReceivedSpan WaitFor(const std::function<bool(const ReceivedSpan&)>& fits);
  std::vector<ReceivedSpan> Spans() const;
  std::vector<ReceivedSpan> SpansOfTrace(const std::string& trace_id) const;
  int calls() const;
  // The value of a metadata key in the last call; empty for none.
  std::string LastMetadata(const std::string& key) const;

  grpc::Status Export(
      grpc::ServerContext* context,
      const opentelemetry::proto::collector::trace::v1::
          ExportTraceServiceRequest* request,
      opentelemetry::proto::collector::trace::v1::ExportTraceServiceResponse*
          response) override;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ReceivedSpan> spans_;
  std::map<std::string, std::string> metadata_;
  int calls_ = 0;
  grpc::Status status_;
  std::chrono::milliseconds delay_{0};
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_TRACING_SPAN_COLLECTOR_H_
