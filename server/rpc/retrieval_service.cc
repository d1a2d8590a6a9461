#include "server/rpc/retrieval_service.h"

#include <chrono>
#include <string>

#include "grpcpp/impl/rpc_service_method.h"
#include "grpcpp/support/method_handler.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"
#include "server/rpc/status_to_grpc.h"
#include "server/service/measured_call.h"
#include "tributary/v1/retrieval.grpc.pb.h"

namespace tributary {
namespace {

using grpc::internal::RpcMethodHandler;
using grpc::internal::RpcServiceMethod;

constexpr char kRetrievalService[] = "tributary.v1.Retrieval";

// gRPC tells deadlines by the system's clock; ours does not jump.
SteadyTime DeadlineOf(const grpc::ServerContext& context) {
  using std::chrono::steady_clock;
  using std::chrono::system_clock;
  const system_clock::time_point deadline = context.deadline();
  if (deadline == system_clock::time_point::max()) return SteadyTime::max();
  const auto left = deadline - system_clock::now();
  if (left > std::chrono::hours(24)) return SteadyTime::max();
  return steady_clock::now() + left;
}

bool Parse(const grpc::ByteBuffer& bytes, v1::RetrieveRequest* request) {
  // Not written to: gRPC's own deserialisation hands it out as const as well.
  grpc::ProtoBufferReader reader(const_cast<grpc::ByteBuffer*>(&bytes));
  return reader.status().ok() && request->ParseFromZeroCopyStream(&reader);
}

}  // namespace

RetrievalService::RetrievalService(const RetrievalHandler* handler,
                                   ServerMetrics* metrics)
    : handler_(handler),
      retrieve_metrics_(metrics->AddMethod(kRetrievalService, "Retrieve")),
      batch_metrics_(metrics->AddMethod(kRetrievalService, "BatchRetrieve")) {
  // As the code that protoc generates does it. The service owns the methods.
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
      new RpcMethodHandler<RetrievalService, v1::BatchRetrieveRequest,
                           v1::BatchRetrieveResponse>(
          [](RetrievalService* service, grpc::ServerContext* context,
             const v1::BatchRetrieveRequest* request,
             v1::BatchRetrieveResponse* response) {
            return service->BatchRetrieve(context, *request, response);
          },
          this)));
}

grpc::Status RetrievalService::Retrieve(grpc::ServerContext* context,
                                        const grpc::ByteBuffer& request,
                                        grpc::ByteBuffer* reply) {
  thread_local std::string bytes;
  const absl::Status status = MeasuredCall(retrieve_metrics_, [&] {
    v1::RetrieveRequest message;
    if (!Parse(request, &message)) {
      return absl::InternalError("the request is not a RetrieveRequest");
    }
    return handler_->Retrieve(message, DeadlineOf(*context), &bytes);
  });
  if (!status.ok()) return ToGrpcStatus(status);
  const grpc::Slice slice(bytes);
  *reply = grpc::ByteBuffer(&slice, 1);
  return grpc::Status::OK;
}

grpc::Status RetrievalService::BatchRetrieve(
    grpc::ServerContext* context, const v1::BatchRetrieveRequest& request,
    v1::BatchRetrieveResponse* response) {
  return ToGrpcStatus(MeasuredCall(batch_metrics_, [&] {
    return handler_->BatchRetrieve(request, DeadlineOf(*context), response);
  }));
}

}  // namespace tributary
