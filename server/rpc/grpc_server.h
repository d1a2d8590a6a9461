#ifndef TRIBUTARY_SERVER_RPC_GRPC_SERVER_H_
#define TRIBUTARY_SERVER_RPC_GRPC_SERVER_H_

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/server.h"
#include "grpcpp/support/status.h"
#include "sync/mutex.h"

namespace tributary {

struct GrpcServerOptions {
  // The configuration's field, for errors: "listen".
  std::string field;
  // host:port (port 0: any free one) or unix:PATH.
  std::string address;
  // They outlive the server.
  std::vector<grpc::Service*> services;
  // Calls that run at a time; more wait until gRPC refuses them.
  int max_calls = 0;
  int max_request_bytes = 4 << 20;
};

// One listener with its services and reflection. Thread-safe.
//
// Calls run on gRPC's own threads (the synchronous API), from one completion
// queue; twice as many threads as there are cores stay when they are idle.
// threading_bench has other ways beside it, with calls of 50 us, on 4 cores:
// fewer idle threads, or a queue for each core, reach .90 to .95 of the rate
// with 4 callers and more. The asynchronous API with a thread for each core,
// and one more, on one queue reaches .90 to 1.1 of it, and callbacks .98
// to 1.16; but then few threads run everything, so that a retriever that
// blocks, or long searches, stop all other calls. A queue for each core with a
// thread for each lets the calls of one connection wait for one thread (.66 to
// .78). Messages are not on an arena: a reply is encoded by hand.
class GrpcServer {
 public:
  // Serves when it returns. A unix socket is made with permissions 0600; one
  // that nobody answers on is replaced. Errors begin with options.field:
  // INVALID_ARGUMENT for an address that cannot be, NOT_FOUND when the socket's
  // directory is not there, UNAVAILABLE when the address is in use.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      const GrpcServerOptions& options);
  // Cuts off the calls in progress, unless Shutdown was called.
  ~GrpcServer();

  // With the port that was taken.
  const std::string& address() const { return address_; }

  // Accepts no more connections, and tells clients to send no more calls on
  // those they have (GOAWAY): such a call waits for another server, or for this
  // one's successor, and is no failed attempt. Calls in progress go on. Returns
  // at once; may be called again.
  void StartDrain();
  // After StartDrain: the calls in progress are answered, and all clients have
  // hung up. Idle ones may take seconds for that.
  bool drained() const { return drained_; }
  // StartDrain, then returns when drained or at the deadline, when it cuts off
  // what is in progress.
  void Shutdown(std::chrono::system_clock::time_point deadline);

 private:
  GrpcServer(std::unique_ptr<grpc::Server> server, std::string address);

  const std::unique_ptr<grpc::Server> server_;
  const std::string address_;
  Mutex mutex_;
  std::thread drain_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> drained_{false};
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_GRPC_SERVER_H_
