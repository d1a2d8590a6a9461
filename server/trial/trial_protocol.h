// What a trial's two processes must agree on.
#ifndef TRIBUTARY_SERVER_TRIAL_TRIAL_PROTOCOL_H_
#define TRIBUTARY_SERVER_TRIAL_TRIAL_PROTOCOL_H_

#include <string_view>

namespace tributary {

// The first argument; the second is a TrialRequest as JSON.
inline constexpr char kTrialArgument[] = "--try-version-in-this-process";
// Set in a trial's process, so that it starts no other.
inline constexpr char kTrialVariable[] = "TRIBUTARY_TRIAL";

// The answer's lines: what is done next, and at last a TrialAnswer as JSON.
inline constexpr std::string_view kAtLine = "at ";
inline constexpr std::string_view kDoneLine = "done ";

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TRIAL_TRIAL_PROTOCOL_H_
