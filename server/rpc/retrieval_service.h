#ifndef TRIBUTARY_SERVER_RPC_RETRIEVAL_SERVICE_H_
#define TRIBUTARY_SERVER_RPC_RETRIEVAL_SERVICE_H_

#include "server/metrics/server_metrics.h"
#include "server/rpc/retrieval_handler.h"
#include "tributary/v1/retrieval.grpc.pb.h"

namespace tributary {

// tributary.v1.Retrieval over gRPC. Thread-safe. The search runs on the thread
// that gRPC calls the handler on; see grpc_server.h.
class RetrievalService final : public v1::Retrieval::Service {
 public:
  // Both outlive this.
  RetrievalService(const RetrievalHandler* handler, ServerMetrics* metrics);

  grpc::Status Retrieve(grpc::ServerContext* context,
                        const v1::RetrieveRequest* request,
                        v1::RetrieveResponse* response) override;
  grpc::Status BatchRetrieve(grpc::ServerContext* context,
                             const v1::BatchRetrieveRequest* request,
                             v1::BatchRetrieveResponse* response) override;

 private:
  const RetrievalHandler* const handler_;
  MethodMetrics& retrieve_metrics_;
  MethodMetrics& batch_metrics_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_RETRIEVAL_SERVICE_H_
