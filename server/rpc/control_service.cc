#include "server/rpc/control_service.h"

#include <chrono>
#include <utility>

#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "grpcpp/impl/rpc_service_method.h"
#include "grpcpp/support/method_handler.h"
#include "server/process/call_id.h"
#include "server/rpc/rpc_headers.h"
#include "server/rpc/status_to_grpc.h"
#include "status/field_error.h"

namespace tributary {
namespace {

using grpc::internal::RpcMethod;
using grpc::internal::RpcServiceMethod;

constexpr char kNoArguments[] = "{}";
constexpr size_t kMaxArgumentBytes = 4096;

// The request as JSON, for the record. None has a secret.
std::string ArgumentsOf(const google::protobuf::Message& request) {
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(request, &json).ok()) {
    return kNoArguments;
  }
  if (json.size() <= kMaxArgumentBytes) return json;
  return fmt::format("{{\"bytes\":{}}}", request.ByteSizeLong());
}

absl::Status ParseBuffer(const grpc::ByteBuffer& bytes,
                         google::protobuf::Message* request) {
  grpc::ByteBuffer copy = bytes;
  grpc::Slice slice;
  if (copy.DumpToSingleSlice(&slice).ok() &&
      request->ParseFromArray(slice.begin(), static_cast<int>(slice.size()))) {
    return absl::OkStatus();
  }
  return FieldError("request", "not a {}", request->GetTypeName());
}

grpc::ByteBuffer SerializeToBuffer(const google::protobuf::Message& response) {
  const grpc::Slice slice(response.SerializeAsString());
  return {&slice, 1};
}

// "Stage" of "/tributary.v1.Bundles/Stage".
std::string_view MethodNameOf(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

absl::Status ToAbsl(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

// Of an upload, whose millions of keys are not repeated.
std::string ArgumentsOfUpload(const v1::ItemSetStatus& response) {
  return fmt::format("{{\"name\":\"{}\",\"items\":{}}}", response.name(),
                     response.items());
}

constexpr char kPutItemSet[] = "/tributary.v1.Bundles/PutItemSet";

}  // namespace

const CallMethod* ControlService::MethodNamed(std::string_view name,
                                              bool reads) {
  const size_t slash = name.rfind('/');
  methods_.push_back({.rpc_service = std::string(name.substr(1, slash - 1)),
                      .rpc_method = std::string(name.substr(slash + 1)),
                      .listener = listener_,
                      .always_sampled = !reads,
                      // Staging takes as long as its version is large.
                      .logs_slow = false});
  return &methods_.back();
}

template <typename Run>
grpc::Status ControlService::Guard(const CallMethod* traced, AccessRole role,
                                   bool reads, grpc::ServerContext* context,
                                   const Run& run) {
  const auto start = std::chrono::steady_clock::now();
  const std::string method = traced->Name();
  CallTrace trace;
  std::string joined;
  trace.Begin(tracer_, traced, HeadersOf(*context, &joined), start);
  const CallScope scope(trace.id());
  const absl::StatusOr<SharedRights> allowed =
      callers_->Allow(*context, role, method);
  std::string arguments = kNoArguments;
  const grpc::Status status =
      allowed.ok() ? run(&arguments, &trace) : ToGrpcStatus(allowed.status());
  if (!allowed.ok()) bundles_->CountRefused(MethodNameOf(method), status);
  const std::string request_id = trace.id()->Text();
  AnswerRequestId(trace.End(ToAbsl(status)), status.ok(), context);
  std::string who;
  if (!allowed.ok() || *allowed == nullptr) {
    who = callers_->Describe(*context);
  } else {
    who = (*allowed)->who;
  }
  const std::string from = context->peer();
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  audit_->Record({.method = method,
                  .who = who,
                  .from = from,
                  .request_id = request_id,
                  .arguments = arguments,
                  .result = ToAbsl(status),
                  .seconds = seconds.count(),
                  // Whoever is refused is worth a line.
                  .only_reads = reads && allowed.ok()});
  return status;
}

template <typename Request, typename Response>
void ControlService::Add(const char* name, AccessRole role, bool reads,
                         Handler<Request, Response> handler) {
  const CallMethod* const traced = MethodNamed(name, reads);
  const auto call = [this, traced, role, reads, handler](
                        ControlService*, grpc::ServerContext* context,
                        const grpc::ByteBuffer* bytes,
                        grpc::ByteBuffer* reply) {
    const auto run = [&](std::string* arguments, CallTrace* trace) {
      Request request;
      const absl::Status parsed = ParseBuffer(*bytes, &request);
      if (!parsed.ok()) {
        bundles_->CountRefused(MethodNameOf(name), ToGrpcStatus(parsed));
        return ToGrpcStatus(parsed);
      }
      *arguments = ArgumentsOf(request);
      if constexpr (requires { request.version(); }) {
        trace->set_version(request.version());
      }
      Response response;
      grpc::Status status = (bundles_->*handler)(context, &request, &response);
      if (status.ok()) *reply = SerializeToBuffer(response);
      return status;
    };
    return Guard(traced, role, reads, context, run);
  };
  AddMethod(new RpcServiceMethod(
      name, RpcMethod::NORMAL_RPC,
      new grpc::internal::RpcMethodHandler<ControlService, grpc::ByteBuffer,
                                           grpc::ByteBuffer>(call, this)));
}

void ControlService::AddPutItemSet() {
  const CallMethod* const traced = MethodNamed(kPutItemSet, false);
  const auto call = [this, traced](
                        ControlService*, grpc::ServerContext* context,
                        grpc::ServerReader<v1::PutItemSetRequest>* reader,
                        v1::ItemSetStatus* response) {
    return Guard(traced, AccessRole::kOperate, false, context,
                 [&](std::string* arguments, CallTrace*) {
                   grpc::Status status =
                       bundles_->PutItemSet(context, reader, response);
                   if (status.ok()) *arguments = ArgumentsOfUpload(*response);
                   return status;
                 });
  };
  AddMethod(new RpcServiceMethod(
      kPutItemSet, RpcMethod::CLIENT_STREAMING,
      new grpc::internal::ClientStreamingHandler<
          ControlService, v1::PutItemSetRequest, v1::ItemSetStatus>(call,
                                                                    this)));
}

ControlService::ControlService(BundlesService* bundles,
                               const CallerCheck* callers, AuditLog* audit,
                               CallTracer* tracer, std::string listener)
    : bundles_(bundles),
      callers_(callers),
      audit_(audit),
      tracer_(tracer),
      listener_(std::move(listener)) {
  constexpr AccessRole kObserve = AccessRole::kObserve;
  constexpr AccessRole kOperate = AccessRole::kOperate;
  Add("/tributary.v1.Bundles/List", kObserve, true, &BundlesService::List);
  Add("/tributary.v1.Bundles/Stage", kOperate, false, &BundlesService::Stage);
  Add("/tributary.v1.Bundles/Activate", kOperate, false,
      &BundlesService::Activate);
  Add("/tributary.v1.Bundles/Rollback", kOperate, false,
      &BundlesService::Rollback);
  Add("/tributary.v1.Bundles/Unload", kOperate, false, &BundlesService::Unload);
  Add("/tributary.v1.Bundles/SetLabel", kOperate, false,
      &BundlesService::SetLabel);
  Add("/tributary.v1.Bundles/Diff", kObserve, true, &BundlesService::Diff);
  AddPutItemSet();
  Add("/tributary.v1.Bundles/DeleteItemSet", kOperate, false,
      &BundlesService::DeleteItemSet);
  Add("/tributary.v1.Bundles/Refuse", kOperate, false, &BundlesService::Refuse);
  // It comes with each step of the loader.
  Add("/tributary.v1.Bundles/Report", kOperate, true, &BundlesService::Report);
  Add("/tributary.v1.Bundles/GetStatus", kObserve, true,
      &BundlesService::GetStatus);
}

}  // namespace tributary
