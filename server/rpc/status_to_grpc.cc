#include "server/rpc/status_to_grpc.h"

#include "grpcpp/support/error_details.h"
#include "server/service/rpc_status.h"

namespace tributary {

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  grpc::Status result;
  grpc::SetErrorDetails(ToRpcStatus(status), &result);
  return result;
}

}  // namespace tributary
