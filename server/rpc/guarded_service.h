#ifndef TRIBUTARY_SERVER_RPC_GUARDED_SERVICE_H_
#define TRIBUTARY_SERVER_RPC_GUARDED_SERVICE_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "grpcpp/impl/rpc_service_method.h"
#include "grpcpp/impl/service_type.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/method_handler.h"
#include "grpcpp/support/status.h"
#include "server/access/audit_log.h"
#include "server/rpc/caller_check.h"
#include "server/rpc/status_to_grpc.h"

namespace tributary {

// A service of the control plane: who may call it is decided on a call's
// metadata, before its message is parsed, and every call is recorded.
// Thread-safe.
class GuardedService : public grpc::Service {
 protected:
  // Runs a call that is allowed, and sets its arguments as JSON, for the
  // record.
  using Run = absl::FunctionRef<grpc::Status(std::string* arguments)>;
  template <typename Request, typename Response>
  using Handler = std::function<grpc::Status(grpc::ServerContext*,
                                             const Request*, Response*)>;

  // The arguments outlive this.
  GuardedService(const CallerCheck* callers, AuditLog* audit)
      : callers_(callers), audit_(audit) {}

  // Decides on the call, runs it, and records it. `reads`: it changes nothing
  // that is served.
  grpc::Status Guard(std::string_view method, AccessRole role, bool reads,
                     grpc::ServerContext* context, Run run);

  // Adds the method of this name, which is a literal.
  template <typename Request, typename Response>
  void Add(const char* name, AccessRole role, bool reads,
           Handler<Request, Response> handler);

 private:
  // INVALID_ARGUMENT when the bytes are no such message.
  static absl::Status Parse(const grpc::ByteBuffer& bytes,
                            google::protobuf::Message* request);
  static grpc::ByteBuffer Serialize(const google::protobuf::Message& response);
  // The request as JSON, for the record. None has a secret.
  static std::string ArgumentsOf(const google::protobuf::Message& request);

  const CallerCheck* const callers_;
  AuditLog* const audit_;
};

template <typename Request, typename Response>
void GuardedService::Add(const char* name, AccessRole role, bool reads,
                         Handler<Request, Response> handler) {
  auto call = [this, name, role, reads, handler = std::move(handler)](
                  GuardedService*, grpc::ServerContext* context,
                  const grpc::ByteBuffer* bytes, grpc::ByteBuffer* reply) {
    return Guard(name, role, reads, context, [&](std::string* arguments) {
      Request request;
      const absl::Status parsed = Parse(*bytes, &request);
      if (!parsed.ok()) return ToGrpcStatus(parsed);
      *arguments = ArgumentsOf(request);
      Response response;
      grpc::Status status = handler(context, &request, &response);
      if (status.ok()) *reply = Serialize(response);
      return status;
    });
  };
  AddMethod(new grpc::internal::RpcServiceMethod(
      name, grpc::internal::RpcMethod::NORMAL_RPC,
      new grpc::internal::RpcMethodHandler<GuardedService, grpc::ByteBuffer,
                                           grpc::ByteBuffer>(std::move(call),
                                                             this)));
}

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_GUARDED_SERVICE_H_
