#ifndef TRIBUTARY_SERVER_RPC_RETRIEVAL_SERVICE_H_
#define TRIBUTARY_SERVER_RPC_RETRIEVAL_SERVICE_H_

#include "grpcpp/impl/service_type.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "server/metrics/server_metrics.h"
#include "server/service/retrieval_handler.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// tributary.v1.Retrieval over gRPC. Thread-safe. The search runs on the thread
// that gRPC calls the handler on; see grpc_server.h. Not the generated service:
// its Retrieve would make a message of what is encoded already.
class RetrievalService final : public grpc::Service {
 public:
  // Both outlive this.
  RetrievalService(const RetrievalHandler* handler, ServerMetrics* metrics);

 private:
  grpc::Status Retrieve(grpc::ServerContext* context,
                        const grpc::ByteBuffer& request,
                        grpc::ByteBuffer* reply);
  grpc::Status BatchRetrieve(grpc::ServerContext* context,
                             const v1::BatchRetrieveRequest& request,
                             v1::BatchRetrieveResponse* response);

  const RetrievalHandler* const handler_;
  MethodMetrics& retrieve_metrics_;
  MethodMetrics& batch_metrics_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_RETRIEVAL_SERVICE_H_
