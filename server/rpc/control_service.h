#ifndef TRIBUTARY_SERVER_RPC_CONTROL_SERVICE_H_
#define TRIBUTARY_SERVER_RPC_CONTROL_SERVICE_H_

#include <deque>
#include <string>
#include <string_view>

#include "grpcpp/impl/service_type.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/sync_stream.h"
#include "server/access/audit_log.h"
#include "server/rpc/bundles_service.h"
#include "server/rpc/caller_check.h"
#include "server/service/call_trace.h"

namespace tributary {

// What stands before a BundlesService: who may call it is decided on a call's
// metadata, before its message is parsed, and every call is recorded. gRPC
// registers it under the name of tributary.v1.Bundles. Thread-safe.
class ControlService final : public grpc::Service {
 public:
  // The arguments outlive this.
  // `tracer`, which may be null, tells of calls when they are over; `listener`
  // is where they come to.
  ControlService(BundlesService* bundles, const CallerCheck* callers,
                 AuditLog* audit, CallTracer* tracer = nullptr,
                 std::string listener = {});

 private:
  template <typename Request, typename Response>
  using Handler = grpc::Status (BundlesService::*)(grpc::ServerContext*,
                                                   const Request*, Response*);

  // Adds the method of this name. `reads`: it changes nothing that is served.
  template <typename Request, typename Response>
  void Add(const char* name, AccessRole role, bool reads,
           Handler<Request, Response> handler);
  void AddPutItemSet();

  // The method of that full name, for spans. `reads` as in Add.
  const CallMethod* MethodNamed(std::string_view name, bool reads);

  // Decides on the call, runs it with `run`, which fills in the arguments as
  // JSON and the version that it is about, and records it.
  template <typename Run>
  grpc::Status Guard(const CallMethod* traced, AccessRole role, bool reads,
                     grpc::ServerContext* context, const Run& run);

  BundlesService* const bundles_;
  const CallerCheck* const callers_;
  AuditLog* const audit_;
  CallTracer* const tracer_;
  const std::string listener_;
  // Constant after construction. References to its elements stay valid.
  std::deque<CallMethod> methods_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_CONTROL_SERVICE_H_
