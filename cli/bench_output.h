#ifndef TRIBUTARY_CLI_BENCH_OUTPUT_H_
#define TRIBUTARY_CLI_BENCH_OUTPUT_H_

#include <string>

#include "client/load/load_generator.h"
#include "client/load/load_report.h"

namespace tributary {

// "open loop, 2000 calls/s, at most 256 at a time" or "closed loop, 4 callers".
std::string LoadText(const LoadOptions& options);

// The report as a table of lines.
std::string LoadReportText(const LoadReport& report);

// One object: {"mode": "open", "qps": ..., "latency_us": {"p50": ...}, ...}.
std::string LoadReportJson(const LoadOptions& options,
                           const LoadReport& report);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_BENCH_OUTPUT_H_
