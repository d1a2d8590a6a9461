#include "server/rpc/grpc_server.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "grpc/grpc.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/impl/server_builder_option.h"
#include "grpcpp/impl/server_builder_plugin.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/security/server_credentials.h"
#include "server/rpc/tls_credentials.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr auto kDrainPollInterval = std::chrono::milliseconds(1);
// How long gRPC may take to tell clients that their calls are cancelled.
constexpr auto kCancelGrace = std::chrono::milliseconds(500);
// How long a client may take to say that it speaks HTTP/2.
constexpr int kHandshakeMs = 10'000;

void SetThreads(const GrpcServerOptions& options,
                grpc::ServerBuilder* builder) {
  const int cores =
      static_cast<int>(std::max(2U, std::thread::hardware_concurrency()));
  builder->SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
  grpc::ResourceQuota quota(options.field);
  quota.SetMaxThreads(options.max_calls + cores);
  quota.Resize(options.transport.max_buffer_bytes());
  builder->SetResourceQuota(quota);
}

// What gRPC measures in milliseconds; 0 is its infinity.
int OrForever(uint32_t ms) {
  return ms == 0 ? std::numeric_limits<int>::max() : static_cast<int>(ms);
}

void SetTransport(const GrpcServerOptions& options,
                  grpc::ServerBuilder* builder) {
  const v1::Transport& transport = options.transport;
  const std::pair<const char*, int> arguments[] = {
      {GRPC_ARG_MAX_CONCURRENT_STREAMS,
       static_cast<int>(transport.max_concurrent_streams())},
      {GRPC_ARG_MAX_METADATA_SIZE,
       static_cast<int>(transport.max_header_bytes())},
      {GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(transport.keepalive_ms())},
      {GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
       static_cast<int>(transport.keepalive_timeout_ms())},
      {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
      {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
       static_cast<int>(transport.min_client_keepalive_ms())},
      {GRPC_ARG_MAX_CONNECTION_AGE_MS,
       OrForever(transport.max_connection_age_ms())},
      {GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
       static_cast<int>(options.drain_ms)},
      {GRPC_ARG_MAX_CONNECTION_IDLE_MS,
       OrForever(transport.max_connection_idle_ms())},
      {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs},
  };
  for (const auto& [name, value] : arguments) {
    builder->AddChannelArgument(name, value);
  }
  builder->SetMaxReceiveMessageSize(options.max_message_bytes);
}

// Takes from a server what is added to all servers of a process: reflection.
class NoPlugins final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>*
                         plugins) override {
    plugins->clear();
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    GrpcServerOptions options) {
  if (!options.bound.has_value()) {
    ASSIGN_OR_RETURN(BoundAddress bound,
                     BoundAddress::Bind(options.field, options.address));
    options.bound.emplace(std::move(bound));
  }
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  if (!options.reflection) builder.SetOption(std::make_unique<NoPlugins>());
  SetThreads(options, &builder);
  SetTransport(options, &builder);
  for (grpc::Service* service : options.services) {
    builder.RegisterService(service);
  }
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
  if (options.queued != nullptr) {
    builder.RegisterService(options.queued->service());
    queue = builder.AddCompletionQueue();
  }
  using Experimental = grpc::ServerBuilder::experimental_type;
  const std::shared_ptr<grpc::ServerCredentials> credentials =
      options.certificates == nullptr
          ? grpc::InsecureServerCredentials()
          : MakeTlsServerCredentials(options.certificates);
  auto acceptor = builder.experimental().AddExternalConnectionAcceptor(
      Experimental::ExternalConnectionType::FROM_FD, credentials);
  std::unique_ptr<GrpcServer> server(
      new GrpcServer(credentials, builder.BuildAndStart(), options.queued));
  if (server->server_ == nullptr) {
    return absl::InternalError(options.field + ": gRPC did not start a server");
  }
  server->acceptor_ = std::move(acceptor);
  if (options.queued != nullptr) options.queued->Start(std::move(queue));
  ASSIGN_OR_RETURN(
      server->accepting_,
      AcceptLoop::Start(*std::move(options.bound),
                        options.transport.max_connections(),
                        [acceptor = server->acceptor_.get()](int fd) {
                          grpc::experimental::ExternalConnectionAcceptor::
                              NewConnectionParameters connection;
                          connection.fd = fd;
                          acceptor->HandleNewConnection(&connection);
                        }));
  return server;
}

GrpcServer::~GrpcServer() { Shutdown(std::chrono::system_clock::now()); }

void GrpcServer::StartDrain() {
  const MutexLock lock(&mutex_);
  if (drain_.joinable() || server_ == nullptr) return;
  if (accepting_ != nullptr) accepting_->Stop();
  drain_ = std::thread([this] {
    server_->Shutdown();
    if (queued_ != nullptr) queued_->Stop();
    drained_ = true;
  });
}

void GrpcServer::Shutdown(std::chrono::system_clock::time_point deadline) {
  if (server_ == nullptr) return;
  StartDrain();
  while (!drained_ && std::chrono::system_clock::now() < deadline) {
    std::this_thread::sleep_for(kDrainPollInterval);
  }
  // The Shutdown in progress takes no new deadline. This call is what it does
  // at its own deadline; it has no effect once the Shutdown has returned.
  grpc_server_cancel_all_calls(server_->c_server());
  const auto grace_end = std::chrono::system_clock::now() + kCancelGrace;
  while (!drained_ && std::chrono::system_clock::now() < grace_end) {
    std::this_thread::sleep_for(kDrainPollInterval);
  }
  const MutexLock lock(&mutex_);
  // gRPC closes no connection on which frames come without a pause.
  if (!drained_ && accepting_ != nullptr) accepting_->Disconnect();
  if (drain_.joinable()) drain_.join();
}

}  // namespace tributary
