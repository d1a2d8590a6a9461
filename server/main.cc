// tributary-server: answers Retrieve from the bundles of a directory.
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "CLI/CLI.hpp"
#include "grpcpp/grpcpp.h"
#include "index/bundle/bundle.h"
#include "proto/yaml/config_flags.h"
#include "server/process/process.h"
#include "server/server.h"
#include "spdlog/spdlog.h"
#include "version/version.h"

namespace tributary {
namespace {

int Serve(v1::ServerConfig config) {
  const StopSignals stop_signals;
  const auto server = Server::Start(std::move(config));
  if (!server.ok()) {
    std::fprintf(stderr, "tributary-server: %s\n",
                 server.status().ToString().c_str());
    return 1;
  }
  spdlog::info("event=listening grpc={} http={} control={}",
               (*server)->grpc_address(), (*server)->http_address(),
               (*server)->control_address());
  stop_signals.Wait();
  (*server)->Shutdown();
  spdlog::info("event=stopped");
  // A version that is being read must not keep the next server waiting.
  if ((*server)->IsOpening()) std::_Exit(0);
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Answers Retrieve over gRPC and HTTP.");
  app.set_version_flag(
      "--version",
      VersionText("tributary-server", kBundleFormat, grpc::Version()));
  v1::ServerConfig config;
  AddConfigFlags(app, &config);
  CLI11_PARSE(app, argc, argv);
  LogToStderr(config.has_log_level() ? config.log_level() : "info");
  return Serve(std::move(config));
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) { return tributary::Main(argc, argv); }
