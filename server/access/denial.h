#ifndef TRIBUTARY_SERVER_ACCESS_DENIAL_H_
#define TRIBUTARY_SERVER_ACCESS_DENIAL_H_

#include <string_view>

#include "absl/status/status.h"
#include "server/access/rights.h"

namespace tributary {

// The payload by which an error carries a google.rpc.ErrorInfo of its own.
inline constexpr char kErrorInfoPayload[] =
    "type.googleapis.com/google.rpc.ErrorInfo";

// Why a call is refused. The numbers are indexes of kDenialReasons
// (server/metrics).
enum class Denial { kNoIdentity, kNotValid, kRoleMissing };

// The error for a call of `method` that needs `role`: UNAUTHENTICATED, or
// PERMISSION_DENIED for kRoleMissing, with an ErrorInfo whose metadata are both
// of them. `why` says what is wrong with what was shown, without showing it.
absl::Status DenyCall(Denial denial, std::string_view method, AccessRole role,
                      std::string_view why);

// PERMISSION_DENIED for a request whose profile is not granted; empty: it has
// none.
absl::Status ProfileDenied(std::string_view profile);

// Whether an error of DenyCall is about something that was shown.
bool IsAboutToken(const absl::Status& status);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_ACCESS_DENIAL_H_
