// The one place where an absl::Status becomes a grpc::Status.
#ifndef TRIBUTARY_SERVER_RPC_STATUS_TO_GRPC_H_
#define TRIBUTARY_SERVER_RPC_STATUS_TO_GRPC_H_

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace tributary {

// ToRpcStatus(status) as a grpc::Status, with the details as its trailer. OK
// stays OK.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_STATUS_TO_GRPC_H_
