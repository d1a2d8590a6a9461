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
#include "server/listen/bound_address.h"
#include "sync/mutex.h"

namespace tributary {

struct GrpcServerOptions {
  // The field of the configuration that errors begin with, e.g. "listen".
  std::string field;
  // As BoundAddress::Bind takes it. Not used with `bound`.
  std::string address;
  // The address, if it is bound already. Outlives Start.
  const BoundAddress* bound = nullptr;
  // The services outlive the server.
  std::vector<grpc::Service*> services;
  // How many calls run at a time. Further ones wait, or are refused by gRPC.
  int max_calls = 0;
  int max_request_bytes = 4 << 20;
};

// One listener with its services and reflection. Thread-safe.
//
// Calls run on gRPC's own threads (the synchronous API), which poll one
// completion queue; up to two idle threads per core are kept.
//
// tests/bench/threading_bench compares this with other threading models. Their
// rates of calls of 50 us on 4 cores, relative to this one with 4 callers and
// more:
//   fewer idle threads, or a queue for each core            .90 to .95
//   asynchronous API, one queue, a thread per core + 1      .90 to 1.1
//   callback API                                            .98 to 1.16
//   asynchronous API, a queue and a thread for each core    .66 to .78
// The asynchronous and the callback API run all calls on few threads, so that a
// retriever that blocks, or a few long searches, would stop all other calls.
// With a queue per core, all calls of a connection wait for the same thread.
//
// Messages are not allocated on an arena, because replies are encoded without
// messages (server/pipeline/reply_encoding.h).
class GrpcServer {
 public:
  // The server accepts calls when this returns. A unix socket is created with
  // permissions 0600, and replaces a socket that no server answers on. Errors
  // begin with options.field; they are those of BoundAddress::Bind.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      const GrpcServerOptions& options);
  // Cancels the calls that are still in progress.
  ~GrpcServer();

  // The address with the port that was taken.
  const std::string& address() const { return address_; }

  // Stops accepting connections, and tells clients to send no more calls on
  // their open ones (GOAWAY). A client then waits for another server, or for
  // this one's successor, without counting a failed attempt. Calls in progress
  // continue. Returns at once. Idempotent.
  void StartDrain();
  // After StartDrain: whether all calls are answered and all clients have
  // disconnected, which may take idle clients seconds.
  bool drained() const { return drained_; }
  // Calls StartDrain, waits until drained() or the deadline, and then cancels
  // the calls that are still in progress. Idempotent.
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
