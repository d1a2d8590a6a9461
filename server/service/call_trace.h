// What is told of a call when it is over: its spans, and a line in the log if
// it was slow. gRPC, HTTP and Explain share it.
//
// A call that nobody samples, and that is neither slow nor failed, pays for a
// random number, for notes of its stages in memory that is there already, and
// for a few comparisons at its end. It allocates nothing, unless its caller
// named it.
#ifndef TRIBUTARY_SERVER_SERVICE_CALL_TRACE_H_
#define TRIBUTARY_SERVER_SERVICE_CALL_TRACE_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/metrics/server_metrics.h"
#include "server/pipeline/stage_times.h"
#include "server/process/call_id.h"
#include "server/service/slow_call_log.h"
#include "server/tracing/span_exporter.h"
#include "server/tracing/trace_context.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// What a call says of itself beside its message. Views, for Begin alone.
struct CallHeaders {
  std::string_view request_id = {};
  std::string_view traceparent = {};
  std::string_view tracestate = {};
};

// A method as spans and logs name it. Outlives its calls.
struct CallMethod {
  // Of gRPC: the service, as tributary.v1.Retrieval, and its method. Empty for
  // HTTP.
  std::string rpc_service = {};
  std::string rpc_method = {};
  // Of HTTP: the request's method, and the path. Empty for gRPC.
  std::string http_method = {};
  std::string http_path = {};
  // host:port or unix:PATH, where it is called.
  std::string listener = {};
  // Whether calls without a parent are all sampled: those of which there are
  // few.
  bool always_sampled = false;
  // Whether slow calls are logged.
  bool logs_slow = true;

  // "/tributary.v1.Retrieval/Retrieve" or "POST /v1/retrieve".
  std::string Name() const;
};

// Decides what is told of calls. Thread-safe.
class CallTracer {
 public:
  // `config` is complete. `exporter` is null where no spans are made; it and
  // `metrics` outlive this.
  CallTracer(const v1::ServerConfig& config, SpanExporter* exporter,
             ServerMetrics* metrics);

 private:
  friend class CallTrace;

  const double share_;
  // 0: no call is told of for its time.
  const std::chrono::nanoseconds slow_span_;
  const std::chrono::nanoseconds slow_line_;
  SpanExporter* const exporter_;
  ServerMetrics* const metrics_;
  LineBudget lines_;
};

// One call, from when it comes until it is answered or refused. Reused for
// another one after that. Used by one thread at a time.
class CallTrace {
 public:
  CallTrace() = default;
  CallTrace(const CallTrace&) = delete;
  CallTrace& operator=(const CallTrace&) = delete;

  // Null tracers tell nothing, and keep no name but the caller's.
  void Begin(CallTracer* tracer, const CallMethod* method,
             const CallHeaders& headers, SteadyTime now);

  // The call's name, for CallScope.
  const CallId* id() const { return &id_; }
  // The name that goes into the answer because the caller gave one: that one,
  // or what replaced it because no name may be so. Empty for none.
  const std::string& given_id() const { return request_id_; }
  // For RetrieveOptions::stages; null where nobody will want to know.
  StageTimes* stages() { return notes_ ? &stages_ : nullptr; }
  // Whether a parent or the share samples the call.
  bool sampled() const { return sampled_; }
  const TraceId& trace_id() const { return trace_id_; }
  const SpanId& span_id() const { return span_id_; }

  // The call has a thread. Calls of the pipeline need not say so.
  void Ran(SteadyTime now) {
    if (ran_ == SteadyTime()) ran_ = now;
  }
  // The version that the call is about, where no stages have it.
  void set_version(uint64_t version) { version_ = version; }
  // How many requests it has.
  void set_requests(uint32_t requests) { requests_ = requests; }
  // The pipeline has answered a request of a batch, and stages() are those.
  void EntryAnswered(size_t entry, const absl::Status& status);

  // The call is over: tells of it what is to be told, and lets go of what it
  // holds. Returns the name to put into the answer, if the call was told of or
  // has failed, or its caller named it; else nothing. `http_status`: that of
  // the reply, of HTTP.
  std::string End(const absl::Status& status, int http_status = 0);

 private:
  struct Entry {
    size_t number;
    absl::StatusCode code;
    StageTimes stages;
  };

  std::chrono::nanoseconds Wait() const;
  void LogSlow(const SlowCall& call, SteadyTime now) const;
  void Export(const absl::Status& status, int http_status, SteadyTime ended);

  CallTracer* tracer_ = nullptr;
  const CallMethod* method_ = nullptr;
  SteadyTime came_;
  SteadyTime ran_;
  // What the caller gave, or what replaced it.
  std::string request_id_;
  CallId id_;
  TraceId trace_id_ = {};
  // The caller's span; zeros for none.
  SpanId parent_id_ = {};
  SpanId span_id_ = {};
  std::string tracestate_;
  bool has_parent_ = false;
  bool sampled_ = false;
  bool notes_ = false;
  // A request of a batch took as long as one that is sampled for it.
  bool slow_entry_ = false;
  uint32_t requests_ = 1;
  uint64_t version_ = 0;
  StageTimes stages_;
  // The first requests of a batch that is sampled.
  std::vector<Entry> entries_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_CALL_TRACE_H_
