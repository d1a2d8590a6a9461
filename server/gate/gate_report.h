// A gate's report for people and for machines.
#ifndef TRIBUTARY_SERVER_GATE_GATE_REPORT_H_
#define TRIBUTARY_SERVER_GATE_GATE_REPORT_H_

#include <string>

#include "tributary/v1/gate.pb.h"

namespace tributary {

// One line a check, and the verdict; ends with a newline.
std::string GateTable(const v1::GateReport& report);

// Why it failed, on one line: "overlap of als is 0.001, expected at least 0.02;
// ...". Empty when it passed.
std::string GateReasons(const v1::GateReport& report);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_GATE_GATE_REPORT_H_
