#include "server/rpc/grpc_server.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "grpc/grpc.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr auto kDrainPollInterval = std::chrono::milliseconds(1);

// While it lives, the files that this process creates are accessible to their
// owner alone. The umask belongs to the whole process, so this is held only for
// the moment of binding, while the server starts.
class OwnerOnly {
 public:
  OwnerOnly() : previous_(umask(0177)) {}
  ~OwnerOnly() { umask(previous_); }
  OwnerOnly(const OwnerOnly&) = delete;
  OwnerOnly& operator=(const OwnerOnly&) = delete;

 private:
  const mode_t previous_;
};

void SetThreads(const GrpcServerOptions& options,
                grpc::ServerBuilder* builder) {
  const int cores =
      static_cast<int>(std::max(2U, std::thread::hardware_concurrency()));
  const int idle_threads = 2 * cores;
  builder->SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, idle_threads);
  // More threads than max_calls: some wait for work, and some run calls that
  // Admission refuses. gRPC's own refusals at its quota carry no details.
  grpc::ResourceQuota quota(options.field);
  quota.SetMaxThreads(options.max_calls + idle_threads + 16);
  builder->SetResourceQuota(quota);
}

void Configure(const GrpcServerOptions& options, grpc::ServerBuilder* builder) {
  SetThreads(options, builder);
  builder->SetMaxReceiveMessageSize(options.max_request_bytes);
  // A second server on the same port must fail instead of sharing it.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  for (grpc::Service* service : options.services) {
    builder->RegisterService(service);
  }
}

std::unique_ptr<grpc::Server> StartOn(const BoundAddress& bound,
                                      const GrpcServerOptions& options) {
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  Configure(options, &builder);
  int port = 0;
  builder.AddListeningPort(bound.plain_address(),
                           grpc::InsecureServerCredentials(), &port);
  std::optional<OwnerOnly> owner_only;
  if (!bound.unix_path().empty()) owner_only.emplace();
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  return port == 0 ? nullptr : std::move(server);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const GrpcServerOptions& options) {
  std::optional<BoundAddress> own;
  const BoundAddress* bound = options.bound;
  if (bound == nullptr) {
    ASSIGN_OR_RETURN(BoundAddress taken,
                     BoundAddress::Bind(options.field, options.address));
    bound = &own.emplace(std::move(taken));
  }
  std::unique_ptr<grpc::Server> server = StartOn(*bound, options);
  if (server == nullptr) return bound->Unavailable();
  return std::unique_ptr<GrpcServer>(
      new GrpcServer(std::move(server), bound->address()));
}

GrpcServer::GrpcServer(std::unique_ptr<grpc::Server> server,
                       std::string address)
    : server_(std::move(server)), address_(std::move(address)) {}

GrpcServer::~GrpcServer() { Shutdown(std::chrono::system_clock::now()); }

void GrpcServer::StartDrain() {
  const MutexLock lock(&mutex_);
  if (drain_.joinable()) return;
  drain_ = std::thread([this] {
    server_->Shutdown();
    drained_ = true;
  });
}

void GrpcServer::Shutdown(std::chrono::system_clock::time_point deadline) {
  StartDrain();
  while (!drained_ && std::chrono::system_clock::now() < deadline) {
    std::this_thread::sleep_for(kDrainPollInterval);
  }
  // The Shutdown in progress takes no new deadline. This call is what it does
  // at its own deadline; it has no effect once the Shutdown has returned.
  grpc_server_cancel_all_calls(server_->c_server());
  const MutexLock lock(&mutex_);
  if (drain_.joinable()) drain_.join();
}

}  // namespace tributary
