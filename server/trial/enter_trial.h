#ifndef TRIBUTARY_SERVER_TRIAL_ENTER_TRIAL_H_
#define TRIBUTARY_SERVER_TRIAL_ENTER_TRIAL_H_

#include "tributary/v1/gate.pb.h"

namespace tributary {

// Prepares this process for a trial. It ends with the thread that started it;
// its CPU time is limited to the request's max_cpu_seconds, and its address
// space to its present size plus 2 * files_bytes + max_extra_bytes; it leaves
// no core file and has the lowest priority. It loses the rights of root
// (DropRights), and the kernel refuses it what a trial does not need
// (ForbidSystemCalls). Ends the process if a limit cannot be set.
void EnterTrial(const v1::TrialRequest& request);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TRIAL_ENTER_TRIAL_H_
