// The one place where absl::Status becomes what clients see.
#ifndef TRIBUTARY_SERVER_RPC_STATUS_TO_GRPC_H_
#define TRIBUTARY_SERVER_RPC_STATUS_TO_GRPC_H_

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace tributary {

inline constexpr char kErrorDomain[] = "tributary";

// Code and message, and as details: google.rpc.ErrorInfo (domain "tributary",
// reason: the code's name); for INVALID_ARGUMENT google.rpc.BadRequest with the
// field's path, when the message begins with one ("quotas[\"a\"].max: ...");
// for RESOURCE_EXHAUSTED and UNAVAILABLE google.rpc.RetryInfo.
// REQUIRES: !status.ok().
google::rpc::Status ToRpcStatus(const absl::Status& status);

// The same as a grpc::Status with the details in its trailer. OK stays OK.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_STATUS_TO_GRPC_H_
