// tributary-server: answers Retrieve from the bundles of a directory.
#include <pthread.h>

#include <csignal>
#include <cstdio>
#include <memory>

#include "CLI/CLI.hpp"
#include "fmt/format.h"
#include "grpcpp/grpcpp.h"
#include "index/bundle/bundle.h"
#include "proto/yaml/config_flags.h"
#include "server/server.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace tributary {
namespace {

void LogToStderr() {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("tributary"));
  spdlog::set_pattern("time=%Y-%m-%dT%H:%M:%S.%e%z level=%l %v");
}

// Blocks the signals that end the program, for threads made later, too.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int Serve(v1::ServerConfig config) {
  const sigset_t signals = BlockStopSignals();
  const auto server = Server::Start(std::move(config));
  if (!server.ok()) {
    std::fprintf(stderr, "tributary-server: %s\n",
                 server.status().ToString().c_str());
    return 1;
  }
  spdlog::info("event=listening grpc={} http={} control={}",
               (*server)->grpc_address(), (*server)->http_address(),
               (*server)->control_address());
  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("event=stopping signal={}", signal);
  // A second one ends the process at once.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  (*server)->Shutdown();
  spdlog::info("event=stopped");
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Answers Retrieve over gRPC and HTTP.");
  app.set_version_flag(
      "--version", fmt::format("tributary-server, bundle format {}, gRPC {}",
                               kBundleFormat, grpc::Version()));
  v1::ServerConfig config;
  AddConfigFlags(app, &config);
  CLI11_PARSE(app, argc, argv);
  LogToStderr();
  if (config.has_log_level()) {
    spdlog::set_level(spdlog::level::from_str(config.log_level()));
  }
  return Serve(std::move(config));
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) { return tributary::Main(argc, argv); }
