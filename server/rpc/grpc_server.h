#ifndef TRIBUTARY_SERVER_RPC_GRPC_SERVER_H_
#define TRIBUTARY_SERVER_RPC_GRPC_SERVER_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/server.h"
#include "grpcpp/support/status.h"

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
// Calls run on gRPC's own threads (the synchronous API), of which as many stay
// as there are cores. With replies of 500 candidates, no work and one caller,
// this was faster than gRPC's default of two idle threads, which starts and
// ends threads under load, so that nothing kept per thread stays warm, and than
// callbacks with a pool of ours. Callbacks that search would block gRPC's few
// event threads. With 4 and 16 callers the order changed between repeats.
// Messages are not on an arena: a reply is six arrays, not 500 messages.
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

  // Stops accepting at once; returns when the calls in progress are answered,
  // or cut off at the deadline.
  void Shutdown(std::chrono::system_clock::time_point deadline);

 private:
  GrpcServer(std::unique_ptr<grpc::Server> server, std::string address);

  const std::unique_ptr<grpc::Server> server_;
  const std::string address_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_GRPC_SERVER_H_
