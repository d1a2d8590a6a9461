#include "server/rpc/retrieval_service.h"

#include <chrono>

#include "server/rpc/measured_call.h"
#include "server/rpc/status_to_grpc.h"

namespace tributary {
namespace {

constexpr char kService[] = "tributary.v1.Retrieval";

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

}  // namespace

RetrievalService::RetrievalService(const RetrievalHandler* handler,
                                   ServerMetrics* metrics)
    : handler_(handler),
      retrieve_metrics_(metrics->AddMethod(kService, "Retrieve")),
      batch_metrics_(metrics->AddMethod(kService, "BatchRetrieve")) {}

grpc::Status RetrievalService::Retrieve(grpc::ServerContext* context,
                                        const v1::RetrieveRequest* request,
                                        v1::RetrieveResponse* response) {
  return ToGrpcStatus(MeasuredCall(retrieve_metrics_, [&] {
    return handler_->Retrieve(*request, DeadlineOf(*context), response);
  }));
}

grpc::Status RetrievalService::BatchRetrieve(
    grpc::ServerContext* context, const v1::BatchRetrieveRequest* request,
    v1::BatchRetrieveResponse* response) {
  return ToGrpcStatus(MeasuredCall(batch_metrics_, [&] {
    return handler_->BatchRetrieve(*request, DeadlineOf(*context), response);
  }));
}

}  // namespace tributary
