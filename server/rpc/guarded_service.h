#ifndef TRIBUTARY_SERVER_RPC_GUARDED_SERVICE_H_
#define TRIBUTARY_SERVER_RPC_GUARDED_SERVICE_H_

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

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
#include "server/metrics/server_metrics.h"
#include "server/rpc/caller_check.h"
#include "server/rpc/status_to_grpc.h"
#include "server/service/call_trace.h"

namespace tributary {

// What guards a service of the control plane. All of it outlives the service.
struct ControlGuard {
  const CallerCheck* callers;
  AuditLog* audit;
  ServerMetrics* metrics;
  // Tells of calls when they are over; may be null.
  CallTracer* tracer = nullptr;
  // Where calls come to.
  std::string listener = {};
};

// A service of the control plane: who may call it is decided on a call's
// metadata, before its message is parsed, and every call is recorded.
// Thread-safe.
class GuardedService : public grpc::Service {
 protected:
  // Runs a call that is allowed, and sets its arguments as JSON, for the
  // record, and the version that it is about.
  using Run =
      absl::FunctionRef<grpc::Status(std::string* arguments, CallTrace* trace)>;
  template <typename Request, typename Response>
  using Handler = std::function<grpc::Status(grpc::ServerContext*,
                                             const Request*, Response*)>;

  explicit GuardedService(ControlGuard guard) : guard_(std::move(guard)) {}

  // The method of this full name, such as "/tributary.v1.Bundles/Stage", for
  // Guard. `reads`: it changes nothing that is served. Only in constructors.
  const CallMethod* MethodNamed(std::string_view name, bool reads);

  // Decides on the call, runs it, and records it. Calls that do not come to
  // `run` are counted here.
  grpc::Status Guard(const CallMethod* method, AccessRole role, bool reads,
                     grpc::ServerContext* context, Run run);

  // Adds the method of this name, which is a literal. Only in constructors.
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
  // Counts a call that was refused before it ran.
  void CountRefused(const CallMethod& method, const grpc::Status& status) const;

  const ControlGuard guard_;
  // Constant after construction. References to its elements stay valid.
  std::deque<CallMethod> methods_;
};

template <typename Request, typename Response>
void GuardedService::Add(const char* name, AccessRole role, bool reads,
                         Handler<Request, Response> handler) {
  const CallMethod* const method = MethodNamed(name, reads);
  auto call = [this, method, role, reads, handler = std::move(handler)](
                  GuardedService*, grpc::ServerContext* context,
                  const grpc::ByteBuffer* bytes, grpc::ByteBuffer* reply) {
    const auto run = [&](std::string* arguments, CallTrace* trace) {
      Request request;
      const absl::Status parsed = Parse(*bytes, &request);
      if (!parsed.ok()) {
        const grpc::Status refused = ToGrpcStatus(parsed);
        CountRefused(*method, refused);
        return refused;
      }
      *arguments = ArgumentsOf(request);
      if constexpr (requires { request.version(); }) {
        trace->set_version(request.version());
      }
      Response response;
      grpc::Status status = handler(context, &request, &response);
      if (status.ok()) *reply = Serialize(response);
      return status;
    };
    return Guard(method, role, reads, context, run);
  };
  AddMethod(new grpc::internal::RpcServiceMethod(
      name, grpc::internal::RpcMethod::NORMAL_RPC,
      new grpc::internal::RpcMethodHandler<GuardedService, grpc::ByteBuffer,
                                           grpc::ByteBuffer>(std::move(call),
                                                             this)));
}

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_GUARDED_SERVICE_H_
