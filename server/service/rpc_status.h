// The one place where an absl::Status gets the details that clients see.
#ifndef TRIBUTARY_SERVER_SERVICE_RPC_STATUS_H_
#define TRIBUTARY_SERVER_SERVICE_RPC_STATUS_H_

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace tributary {

inline constexpr char kErrorDomain[] = "tributary";

// The status with its code, its message and these details:
// - google.rpc.ErrorInfo: domain "tributary", reason the code's name, unless
// the
//   status carries one of its own (see server/access/denial.h).
// - google.rpc.BadRequest for INVALID_ARGUMENT: all violations that the status
//   carries (see Violations), or the one that the message begins with, e.g.
//   "quotas[\"a\"].max: ...".
// - google.rpc.RetryInfo for RESOURCE_EXHAUSTED (50 ms) and UNAVAILABLE (1 s).
// REQUIRES: !status.ok().
google::rpc::Status ToRpcStatus(const absl::Status& status);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_RPC_STATUS_H_
