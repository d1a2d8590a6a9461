#ifndef TRIBUTARY_SERVER_SERVICE_MEASURED_CALL_H_
#define TRIBUTARY_SERVER_SERVICE_MEASURED_CALL_H_

#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "server/metrics/server_metrics.h"

namespace tributary {

// Runs `call`, which returns an absl::Status, and counts its code and duration
// in `metrics`. Returns the status.
template <typename Call>
absl::Status MeasuredCall(MethodMetrics& metrics, Call&& call) {
  const auto start = std::chrono::steady_clock::now();
  absl::Status status = std::forward<Call>(call)();
  metrics.Handled(status.code(), std::chrono::steady_clock::now() - start);
  return status;
}

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_MEASURED_CALL_H_
