#ifndef TRIBUTARY_SERVER_TRIAL_ENTER_TRIAL_H_
#define TRIBUTARY_SERVER_TRIAL_ENTER_TRIAL_H_

#include "tributary/v1/gate.pb.h"

namespace tributary {

// Makes this process one that a trial may happen in: it ends with the thread
// that started it, has the request's limits of CPU time and address space
// (twice the files' sizes and max_extra_bytes beyond what it has now), leaves
// no core, and has the lowest priority. Ends the process where that cannot be.
void EnterTrial(const v1::TrialRequest& request);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TRIAL_ENTER_TRIAL_H_
