#ifndef TRIBUTARY_SERVER_TRACING_SPAN_H_
#define TRIBUTARY_SERVER_TRACING_SPAN_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "server/tracing/trace_context.h"

namespace tributary {

enum class SpanKind { kInternal, kServer, kClient };

// A part of the work for a call, with its begin and its end.
struct Span {
  using Value = std::variant<std::string, int64_t, double, bool>;

  TraceId trace_id = {};
  SpanId id = {};
  // Zeros for none.
  SpanId parent_id = {};
  std::string tracestate;
  std::string name;
  SpanKind kind = SpanKind::kInternal;
  std::chrono::system_clock::time_point begin;
  std::chrono::system_clock::time_point end;
  // Names are literals, which outlive the span.
  std::vector<std::pair<std::string_view, Value>> attributes;
  // Whether the work failed, and why.
  bool failed = false;
  std::string error;

  void Set(std::string_view name_of_attribute, std::string_view value) {
    attributes.emplace_back(name_of_attribute, std::string(value));
  }
  void SetNumber(std::string_view name_of_attribute, int64_t value) {
    attributes.emplace_back(name_of_attribute, value);
  }
  void SetBool(std::string_view name_of_attribute, bool value) {
    attributes.emplace_back(name_of_attribute, value);
  }
};

// Makes times of the clock that does not jump times of day, as they were when
// this was made.
class TimesOfDay {
 public:
  TimesOfDay()
      : steady_(std::chrono::steady_clock::now()),
        system_(std::chrono::system_clock::now()) {}

  std::chrono::system_clock::time_point operator()(
      std::chrono::steady_clock::time_point time) const {
    return system_ +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(
               time - steady_);
  }

 private:
  const std::chrono::steady_clock::time_point steady_;
  const std::chrono::system_clock::time_point system_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TRACING_SPAN_H_
