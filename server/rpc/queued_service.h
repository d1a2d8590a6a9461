#ifndef TRIBUTARY_SERVER_RPC_QUEUED_SERVICE_H_
#define TRIBUTARY_SERVER_RPC_QUEUED_SERVICE_H_

#include <memory>

#include "grpcpp/completion_queue.h"
#include "grpcpp/impl/service_type.h"

namespace tributary {

// A service whose calls come from a completion queue that it polls on threads
// of its own (gRPC's asynchronous API). GrpcServer calls these in this order.
class QueuedService {
 public:
  virtual ~QueuedService() = default;

  // What gRPC registers.
  virtual grpc::Service* service() = 0;
  // The server is up: begins to take calls from the queue.
  virtual void Start(std::unique_ptr<grpc::ServerCompletionQueue> queue) = 0;
  // The server takes no more calls: no more are asked for.
  virtual void Close() = 0;
  // The server has shut down: returns when the last call is done with.
  virtual void Stop() = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_QUEUED_SERVICE_H_
