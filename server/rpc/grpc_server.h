#ifndef TRIBUTARY_SERVER_RPC_GRPC_SERVER_H_
#define TRIBUTARY_SERVER_RPC_GRPC_SERVER_H_

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "server/listen/accept_loop.h"
#include "server/listen/bound_address.h"
#include "server/rpc/queued_service.h"
#include "server/tls/certificate_files.h"
#include "sync/mutex.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

struct GrpcServerOptions {
  // The field of the configuration that errors begin with, e.g. "listen".
  std::string field;
  // As BoundAddress::Bind takes it. Not used with `bound`.
  std::string address;
  // The address, if it is bound already.
  std::optional<BoundAddress> bound = std::nullopt;
  // The services outlive the server.
  std::vector<grpc::Service*> services = {};
  // A service with threads of its own, which outlives the server; may be null.
  QueuedService* queued = nullptr;
  // How many calls of `services` run at a time, on gRPC's threads. Further ones
  // are refused by gRPC.
  int max_calls = 16;
  // The longest message; longer ones are refused by gRPC, with
  // RESOURCE_EXHAUSTED.
  int max_message_bytes = 4 << 20;
  // The complete settings of connections.
  v1::Transport transport = {};
  // How long calls have to end on a connection that has reached its age.
  uint32_t drain_ms = 10'000;
  // What clients are shown; null: nothing is encrypted. It outlives the server.
  const CertificateFiles* certificates = nullptr;
  // Whether clients may ask which services and messages there are.
  bool reflection = true;
};

// One listener with its services and, if wanted, reflection. Thread-safe.
//
// Connections are accepted by an AcceptLoop, which hands them to gRPC, because
// gRPC's own listener has no limit of connections and does not survive a lack
// of descriptors.
//
// Calls of the control plane run on gRPC's own threads (the synchronous API).
// Those of the data plane run on threads that poll a completion queue (see
// RetrievalService): a reply that nobody reads holds no thread, and a call need
// not change threads. tests/bench/threading_bench compares the models.
//
// Messages are not allocated on an arena, because replies are encoded without
// messages (server/pipeline/reply_encoding.h).
class GrpcServer {
 public:
  // The server accepts calls when this returns. A unix socket is created with
  // permissions 0600, and replaces a socket that no server answers on. Errors
  // begin with options.field; they are those of BoundAddress::Bind.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      GrpcServerOptions options);
  // Cancels the calls that are still in progress.
  ~GrpcServer();

  // The address with the port that was taken.
  const std::string& address() const { return accepting_->address(); }

  // Stops accepting connections, and tells clients to send no more calls on
  // their open ones (GOAWAY). A client then waits for another server, or for
  // this one's successor, without counting a failed attempt. Calls in progress
  // continue. Returns at once. Idempotent.
  void StartDrain();
  // After StartDrain: whether all calls are answered and all clients have
  // disconnected, which may take idle clients seconds.
  bool drained() const { return drained_; }
  // Calls StartDrain, waits until drained() or the deadline, and then cancels
  // the calls that are still in progress. Half a second later it ends the
  // connections that are left, whatever their clients send. Idempotent.
  void Shutdown(std::chrono::system_clock::time_point deadline);

 private:
  GrpcServer(std::shared_ptr<grpc::ServerCredentials> credentials,
             std::unique_ptr<grpc::Server> server, QueuedService* queued)
      : credentials_(std::move(credentials)),
        server_(std::move(server)),
        queued_(queued) {}

  // gRPC asks them for as long as the server lives.
  const std::shared_ptr<grpc::ServerCredentials> credentials_;
  const std::unique_ptr<grpc::Server> server_;
  QueuedService* const queued_;
  // Constant after Start.
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<AcceptLoop> accepting_;
  Mutex mutex_;
  std::thread drain_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> drained_{false};
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_GRPC_SERVER_H_
