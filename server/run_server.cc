#include "server/run_server.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <utility>

#include "grpcpp/grpcpp.h"
#include "index/bundle/bundle.h"
#include "proto/yaml/program_flags.h"
#include "server/process/crash_marker.h"
#include "server/process/free_memory.h"
#include "server/process/grpc_log.h"
#include "server/process/process.h"
#include "server/server.h"
#include "server/versions/crash_record.h"
#include "spdlog/spdlog.h"
#include "version/version.h"

namespace tributary {
namespace {

absl::StatusOr<std::unique_ptr<Server>> StartServer(
    const StopSignals& stop_signals, v1::ServerConfig config,
    RetrieverRegistry registry) {
  const StopsAtOnce stops(&stop_signals);
  return Server::Start(std::move(config), std::move(registry));
}

int Serve(const StopSignals& stop_signals, v1::ServerConfig config,
          RetrieverRegistry registry) {
  const std::filesystem::path bundles = config.bundles();
  MarkCrashes((bundles / kCrashRecordName).native());
  const auto server =
      StartServer(stop_signals, std::move(config), std::move(registry));
  if (!server.ok()) {
    std::fprintf(stderr, "tributary-server: %s\n",
                 server.status().ToString().c_str());
    return 1;
  }
  spdlog::info("event=listening grpc={} http={} admin={} control={}",
               (*server)->grpc_address(), (*server)->http_address(),
               (*server)->admin_address(), (*server)->control_address());
  const FreeMemory free_memory({});
  stop_signals.Wait();
  const bool drained = (*server)->Drain();
  EndCrashRecord(bundles);
  spdlog::info("event=stopped drained={}", drained);
  // Whoever has not disconnected is cut off by the end of the process, and the
  // next server must not wait until a version that is being opened is read.
  if (!drained || (*server)->IsOpening()) std::_Exit(0);
  return 0;
}

}  // namespace

int RunServer(int argc, char** argv, RetrieverRegistry registry) {
  const StopSignals stop_signals;
  v1::ServerConfig config;
  const auto exit_status = ParseProgramFlags(
      argc, argv,
      {.description = "Serves Retrieve over gRPC and HTTP.",
       .version =
           VersionText("tributary-server", kBundleFormat, grpc::Version())},
      &config);
  if (exit_status.has_value()) return *exit_status;
  LogToStderr(config.has_log_level() ? config.log_level() : "info");
  LogGrpcAsEvents();
  if (!config.tls().private_key_file().empty() ||
      config.access().grants_size() > 0) {
    KeepSecrets();
  }
  SkipLockOrderChecks();
  return Serve(stop_signals, std::move(config), std::move(registry));
}

}  // namespace tributary
