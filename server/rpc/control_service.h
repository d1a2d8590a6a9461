#ifndef TRIBUTARY_SERVER_RPC_CONTROL_SERVICE_H_
#define TRIBUTARY_SERVER_RPC_CONTROL_SERVICE_H_

#include "grpcpp/server_context.h"
#include "server/rpc/bundles_service.h"
#include "server/rpc/guarded_service.h"

namespace tributary {

// What stands before a BundlesService. gRPC registers it under the name of
// tributary.v1.Bundles. Thread-safe.
class ControlService final : public GuardedService {
 public:
  // `bundles` outlives this.
  ControlService(BundlesService* bundles, ControlGuard guard);

 private:
  template <typename Request, typename Response>
  using Method = grpc::Status (BundlesService::*)(grpc::ServerContext*,
                                                  const Request*, Response*);

  template <typename Request, typename Response>
  void AddMethodOf(const char* name, AccessRole role, bool reads,
                   Method<Request, Response> method);
  void AddPutItemSet();

  BundlesService* const bundles_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_CONTROL_SERVICE_H_
