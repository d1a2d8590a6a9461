#ifndef TRIBUTARY_SERVER_RPC_RETRIEVAL_SERVICE_H_
#define TRIBUTARY_SERVER_RPC_RETRIEVAL_SERVICE_H_

#include "grpcpp/impl/service_type.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "server/metrics/server_metrics.h"
#include "server/service/retrieval_handler.h"

namespace tributary {

// tributary.v1.Retrieval over gRPC. A call is answered on the thread that gRPC
// calls it on (see grpc_server.h). It does not derive from the generated
// service, whose methods return messages: replies are encoded without them.
// Thread-safe.
class RetrievalService final : public grpc::Service {
 public:
  // The arguments outlive this.
  RetrievalService(const RetrievalHandler* handler, ServerMetrics* metrics);

 private:
  grpc::Status Retrieve(grpc::ServerContext* context,
                        const grpc::ByteBuffer& request,
                        grpc::ByteBuffer* reply);
  grpc::Status BatchRetrieve(grpc::ServerContext* context,
                             const grpc::ByteBuffer& request,
                             grpc::ByteBuffer* reply);

  const RetrievalHandler* const handler_;
  MethodMetrics& retrieve_metrics_;
  MethodMetrics& batch_metrics_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_RETRIEVAL_SERVICE_H_
