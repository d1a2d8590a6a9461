// The protocol between a trial's two processes.
#ifndef TRIBUTARY_SERVER_TRIAL_TRIAL_PROTOCOL_H_
#define TRIBUTARY_SERVER_TRIAL_TRIAL_PROTOCOL_H_

#include <string_view>

namespace tributary {

// The first argument of the trial's process. The second is a TrialRequest as
// JSON.
inline constexpr char kTrialArgument[] = "--try-version-in-this-process";
// The environment variable that is set in a trial's process, so that it does
// not start another trial.
inline constexpr char kTrialVariable[] = "TRIBUTARY_TRIAL";

// The beginnings of the answer's lines: each step before it begins, and at last
// a TrialAnswer as JSON.
inline constexpr std::string_view kAtLine = "at ";
inline constexpr std::string_view kDoneLine = "done ";

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TRIAL_TRIAL_PROTOCOL_H_
