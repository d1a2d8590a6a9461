// The one place where an absl::Status gets the details that clients see.
#ifndef TRIBUTARY_SERVER_SERVICE_RPC_STATUS_H_
#define TRIBUTARY_SERVER_SERVICE_RPC_STATUS_H_

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace tributary {

inline constexpr char kErrorDomain[] = "tributary";

// Code and message, and as details: google.rpc.ErrorInfo (domain "tributary",
// reason: the code's name); for INVALID_ARGUMENT google.rpc.BadRequest with the
// field's path, when the message begins with one ("quotas[\"a\"].max: ...");
// for RESOURCE_EXHAUSTED and UNAVAILABLE google.rpc.RetryInfo.
// REQUIRES: !status.ok().
google::rpc::Status ToRpcStatus(const absl::Status& status);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_RPC_STATUS_H_
