#include "server/rpc/retrieval_service.h"

#include <chrono>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "google/protobuf/message.h"
#include "grpcpp/impl/rpc_service_method.h"
#include "grpcpp/support/method_handler.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"
#include "server/rpc/status_to_grpc.h"
#include "server/service/measured_call.h"
#include "status/status_macros.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {
namespace {

using grpc::internal::RpcMethodHandler;
using grpc::internal::RpcServiceMethod;

constexpr char kRetrievalService[] = "tributary.v1.Retrieval";

// The call's deadline on the steady clock, which does not jump; gRPC gives it
// on the system's. A deadline more than a day away is none.
SteadyTime DeadlineOf(const grpc::ServerContext& context) {
  using std::chrono::steady_clock;
  using std::chrono::system_clock;
  const system_clock::time_point deadline = context.deadline();
  if (deadline == system_clock::time_point::max()) return SteadyTime::max();
  const auto left = deadline - system_clock::now();
  if (left > std::chrono::hours(24)) return SteadyTime::max();
  return steady_clock::now() + left;
}

absl::Status Parse(const grpc::ByteBuffer& bytes,
                   google::protobuf::Message* request) {
  // The reader writes nothing: gRPC's own deserialisation casts as well.
  grpc::ProtoBufferReader reader(const_cast<grpc::ByteBuffer*>(&bytes));
  if (reader.status().ok() && request->ParseFromZeroCopyStream(&reader)) {
    return absl::OkStatus();
  }
  return absl::InternalError(
      fmt::format("the request is not a {}", request->GetTypeName()));
}

// `bytes` without copying them.
grpc::ByteBuffer Own(std::string bytes) {
  auto* const owned = new std::string(std::move(bytes));
  const grpc::Slice slice(
      owned->data(), owned->size(),
      [](void* string) { delete static_cast<std::string*>(string); }, owned);
  return {&slice, 1};
}

}  // namespace

RetrievalService::RetrievalService(const RetrievalHandler* handler,
                                   ServerMetrics* metrics)
    : handler_(handler),
      retrieve_metrics_(metrics->AddMethod(kRetrievalService, "Retrieve")),
      batch_metrics_(metrics->AddMethod(kRetrievalService, "BatchRetrieve")) {
  // As generated code does it, but on bytes. The service owns the methods.
  AddMethod(new RpcServiceMethod(
      "/tributary.v1.Retrieval/Retrieve", RpcServiceMethod::NORMAL_RPC,
      new RpcMethodHandler<RetrievalService, grpc::ByteBuffer,
                           grpc::ByteBuffer>(
          [](RetrievalService* service, grpc::ServerContext* context,
             const grpc::ByteBuffer* request, grpc::ByteBuffer* reply) {
            return service->Retrieve(context, *request, reply);
          },
          this)));
  AddMethod(new RpcServiceMethod(
      "/tributary.v1.Retrieval/BatchRetrieve", RpcServiceMethod::NORMAL_RPC,
      new RpcMethodHandler<RetrievalService, grpc::ByteBuffer,
                           grpc::ByteBuffer>(
          [](RetrievalService* service, grpc::ServerContext* context,
             const grpc::ByteBuffer* request, grpc::ByteBuffer* reply) {
            return service->BatchRetrieve(context, *request, reply);
          },
          this)));
}

grpc::Status RetrievalService::Retrieve(grpc::ServerContext* context,
                                        const grpc::ByteBuffer& request,
                                        grpc::ByteBuffer* reply) {
  // Kept for its capacity.
  thread_local std::string bytes;
  const absl::Status status = MeasuredCall(retrieve_metrics_, [&] {
    v1::RetrieveRequest message;
    RETURN_IF_ERROR(Parse(request, &message));
    return handler_->Retrieve(message, DeadlineOf(*context), &bytes);
  });
  if (!status.ok()) return ToGrpcStatus(status);
  const grpc::Slice slice(bytes);
  *reply = grpc::ByteBuffer(&slice, 1);
  return grpc::Status::OK;
}

grpc::Status RetrievalService::BatchRetrieve(grpc::ServerContext* context,
                                             const grpc::ByteBuffer& request,
                                             grpc::ByteBuffer* reply) {
  // Not kept: a batch may be large.
  std::string bytes;
  const absl::Status status = MeasuredCall(batch_metrics_, [&] {
    v1::BatchRetrieveRequest message;
    RETURN_IF_ERROR(Parse(request, &message));
    return handler_->BatchRetrieve(message, DeadlineOf(*context), &bytes);
  });
  if (!status.ok()) return ToGrpcStatus(status);
  *reply = Own(std::move(bytes));
  return grpc::Status::OK;
}

}  // namespace tributary
