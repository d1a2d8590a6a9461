#ifndef TRIBUTARY_CLIENT_LOAD_LOAD_REPORT_H_
#define TRIBUTARY_CLIENT_LOAD_LOAD_REPORT_H_

#include <array>
#include <cstdint>

#include "client/load/log_linear_histogram.h"
#include "grpcpp/support/status.h"

namespace tributary {

// How a server answered a load, without the warm-up.
struct LoadReport {
  // Calls that were answered without an error, and the candidates in all their
  // replies.
  uint64_t answered = 0;
  uint64_t candidates = 0;
  // Answered calls whose reply is degraded, is shorter than the request's k, or
  // is for a user that the bundle does not know.
  uint64_t degraded = 0;
  uint64_t short_replies = 0;
  uint64_t cold_starts = 0;
  // Answered calls of which the server left something out, because it had too
  // much to do.
  uint64_t reduced = 0;
  // The time that sources took, summed over sources and calls, as the replies
  // report it.
  uint64_t sources_us = 0;
  // Calls that failed, indexed by grpc::StatusCode.
  std::array<uint64_t, 17> errors{};
  // Arrivals of an open loop for which no caller was free until its end.
  uint64_t unsent = 0;

  // The latency of calls that were answered or exceeded their deadline, counted
  // from when they were due, and the wait of unsent arrivals until the end of
  // the load. Calls that a stalled server delays are thus part of the latency
  // ("How NOT to measure latency", G. Tene).
  LogLinearHistogram latency;
  // The time from when a call was due to when it was sent.
  LogLinearHistogram lag;

  // Seconds from the end of the warm-up to the last answer.
  double wall_s = 0;
  // The share of a core that the busiest of the generator's threads used. Near
  // 1, the generator limits the load, and the report does not describe the
  // server.
  double generator_busy = 0;

  double Qps() const {
    return wall_s > 0 ? static_cast<double>(answered) / wall_s : 0;
  }
  uint64_t failed() const;

  // Adds a load that followed this one: their durations add up.
  void Append(const LoadReport& next);
  // Adds a load that ran at the same time: the longer duration counts.
  void Merge(const LoadReport& other);
};

}  // namespace tributary

#endif  // TRIBUTARY_CLIENT_LOAD_LOAD_REPORT_H_
