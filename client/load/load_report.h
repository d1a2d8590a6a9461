#ifndef TRIBUTARY_CLIENT_LOAD_LOAD_REPORT_H_
#define TRIBUTARY_CLIENT_LOAD_LOAD_REPORT_H_

#include <array>
#include <cstdint>

#include "client/load/log_linear_histogram.h"
#include "grpcpp/support/status.h"

namespace tributary {

// How a server answered a load, its warm-up left out.
struct LoadReport {
  // Calls answered, their candidates, and those whose reply was degraded, was
  // shorter than the k that was asked for, or was for an unknown user.
  uint64_t answered = 0;
  uint64_t candidates = 0;
  uint64_t degraded = 0;
  uint64_t short_replies = 0;
  uint64_t cold_starts = 0;
  // What their sources took, all together, as the server has it.
  uint64_t sources_us = 0;
  // Calls that failed, by grpc::StatusCode.
  std::array<uint64_t, 17> errors{};
  // Arrivals of an open loop that nobody was free to send in its time.
  uint64_t unsent = 0;

  // Of calls that were answered or came to their deadline, from the moment they
  // were to be sent, and the waiting so far of unsent ones: a server that
  // stalls does not hide behind the calls it kept back.
  LogLinearHistogram latency;
  // How much later than intended calls were sent.
  LogLinearHistogram lag;

  // From the end of the warm-up to the last answer.
  double wall_s = 0;
  // The share of the time that the busiest of the generator's threads used its
  // core: near 1, the generator and not the server is what was measured.
  double generator_busy = 0;

  double Qps() const {
    return wall_s > 0 ? static_cast<double>(answered) / wall_s : 0;
  }
  uint64_t failed() const;

  // As if both were of one load that took as long as the two together.
  void Append(const LoadReport& next);
  // As if both were of one load: lanes that ran at the same time.
  void Merge(const LoadReport& other);
};

}  // namespace tributary

#endif  // TRIBUTARY_CLIENT_LOAD_LOAD_REPORT_H_
