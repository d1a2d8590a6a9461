#ifndef TRIBUTARY_SERVER_LOADER_ROLLOUT_TRACE_H_
#define TRIBUTARY_SERVER_LOADER_ROLLOUT_TRACE_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "server/loader/loader_policy.h"
#include "server/tracing/span.h"
#include "server/tracing/span_exporter.h"

namespace tributary {

// The spans of how a version comes to be served: a trace for each CURRENT, with
// a span for each action that was taken for it, every attempt counted, and one
// around them all, from when CURRENT was seen until the version is active or
// refused. The server's calls of Stage and Activate are within those actions.
// Not thread-safe.
class RolloutTrace {
 public:
  // Null: nothing is told. `exporter` outlives this.
  explicit RolloutTrace(SpanExporter* exporter) : exporter_(exporter) {}

  // CURRENT names another version.
  void Follow(uint64_t version);
  // An action for the version begins, and has ended. Others have no spans.
  void Begin(const LoaderAction& action);
  void End(const LoaderAction& action, const absl::Status& status,
           bool refused);
  // A part of the action in progress, which has ended now.
  void Part(const std::string& name,
            std::chrono::steady_clock::time_point began,
            const absl::Status& status);

  // What the server is told of the action in progress; empty for nothing.
  std::string traceparent() const;

 private:
  Span SpanOf(const std::string& name, const SpanId& id, const SpanId& parent,
              std::chrono::steady_clock::time_point began,
              const absl::Status& status) const;

  SpanExporter* const exporter_;
  uint64_t version_ = 0;
  TraceId trace_id_ = {};
  SpanId root_ = {};
  std::chrono::steady_clock::time_point seen_;
  // Of the action in progress; zeros for none.
  SpanId action_ = {};
  std::chrono::steady_clock::time_point began_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_ROLLOUT_TRACE_H_
