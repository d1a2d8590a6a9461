#include "server/rpc/grpc_server.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "fmt/format.h"
#include "grpc/grpc.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "server/rpc/unix_socket.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr auto kDrainPollInterval = std::chrono::milliseconds(1);
constexpr std::string_view kUnixPrefix = "unix:";

// The path of a unix: address; nothing for other addresses.
std::optional<std::string> UnixPath(std::string_view address) {
  if (address.substr(0, kUnixPrefix.size()) != kUnixPrefix) {
    return std::nullopt;
  }
  return std::string(address.substr(kUnixPrefix.size()));
}

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

absl::Status CheckHostAndPort(const GrpcServerOptions& options) {
  const size_t colon = options.address.rfind(':');
  if (colon != std::string::npos && colon > 0 &&
      colon + 1 < options.address.size()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("{}: expected host:port or unix:PATH, found \"{}\"",
                  options.field, options.address));
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const GrpcServerOptions& options) {
  const std::optional<std::string> path = UnixPath(options.address);
  RETURN_IF_ERROR(path.has_value() ? PrepareUnixSocket(options.field, *path)
                                   : CheckHostAndPort(options));
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  Configure(options, &builder);
  int port = 0;
  builder.AddListeningPort(options.address, grpc::InsecureServerCredentials(),
                           &port);
  std::unique_ptr<grpc::Server> server;
  if (path.has_value()) {
    const OwnerOnly owner_only;
    server = builder.BuildAndStart();
  } else {
    server = builder.BuildAndStart();
  }
  if (server == nullptr || port == 0) {
    return absl::UnavailableError(fmt::format(
        "{}: cannot listen on {}: the address is in use, does not belong to "
        "this machine, or is not permitted",
        options.field, options.address));
  }
  std::string address = options.address;
  if (!path.has_value()) {
    address = fmt::format("{}:{}", address.substr(0, address.rfind(':')), port);
  }
  return std::unique_ptr<GrpcServer>(
      new GrpcServer(std::move(server), std::move(address)));
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
