// tributary-loader: follows a store and keeps a server's bundles up to date.
#include <cstdio>
#include <string>
#include <thread>

#include "CLI/CLI.hpp"
#include "grpcpp/grpcpp.h"
#include "index/bundle/bundle.h"
#include "proto/yaml/config_flags.h"
#include "server/loader/loader.h"
#include "server/loader/loader_config.h"
#include "server/process/process.h"
#include "server/trial/trial.h"
#include "spdlog/spdlog.h"
#include "version/version.h"

namespace tributary {
namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "tributary-loader: %s\n", status.ToString().c_str());
  return 1;
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Fetches, verifies, stages and activates the versions that a store's "
      "CURRENT names.");
  app.set_version_flag(
      "--version",
      VersionText("tributary-loader", kBundleFormat, grpc::Version()));
  v1::LoaderConfig flags;
  AddConfigFlags(app, &flags);
  app.add_option_function<uint32_t>(
      "--poll-interval-ms",
      [&flags](uint32_t ms) { flags.set_poll_interval_ms(ms); },
      "The same as --poll_interval_ms");
  CLI11_PARSE(app, argc, argv);

  const auto config = CompleteLoaderConfig(flags);
  if (!config.ok()) return Fail(config.status());
  LogToStderr(config->log_level());

  const StopSignals stop_signals;
  const auto loader = Loader::Create(*config);
  if (!loader.ok()) return Fail(loader.status());
  spdlog::info("event=started store={} bundles={} control={}", config->store(),
               config->bundles(), config->control());
  std::jthread runner(
      [&](const std::stop_token& stop) { (*loader)->Run(stop); });
  stop_signals.Wait();
  runner.request_stop();
  runner.join();
  spdlog::info("event=stopped");
  return 0;
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
  tributary::RunTrialIfAsked(argc, argv);
  return tributary::Main(argc, argv);
}
