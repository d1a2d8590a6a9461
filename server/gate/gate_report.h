// A gate's report as text.
#ifndef TRIBUTARY_SERVER_GATE_GATE_REPORT_H_
#define TRIBUTARY_SERVER_GATE_GATE_REPORT_H_

#include <string>

#include "tributary/v1/gate.pb.h"

namespace tributary {

// A table with one line for each check, and the verdict. Ends with a newline.
std::string GateTable(const v1::GateReport& report);

// Why the version failed, on one line: "overlap of als is 0.001, expected at
// least 0.02; ...". Empty when it passed.
std::string GateReasons(const v1::GateReport& report);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_GATE_GATE_REPORT_H_
