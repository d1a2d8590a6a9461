#include "server/loader/run_loader.h"

#include <cstdio>
#include <string>
#include <thread>

#include "grpcpp/grpcpp.h"
#include "index/bundle/bundle.h"
#include "proto/yaml/program_flags.h"
#include "server/loader/change_follower.h"
#include "server/loader/loader.h"
#include "server/loader/loader_config.h"
#include "server/process/grpc_log.h"
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

}  // namespace

int RunLoader(int argc, char** argv, const RetrieverRegistry& registry) {
  RunTrialIfAsked(argc, argv, registry);
  v1::LoaderConfig flags;
  const auto exit_status = ParseProgramFlags(
      argc, argv,
      {.description = "Fetches, verifies, stages and activates the versions "
                      "that a store's CURRENT names.",
       .version =
           VersionText("tributary-loader", kBundleFormat, grpc::Version()),
       .aliases = {{"--poll-interval-ms", "poll_interval_ms"}}},
      &flags);
  if (exit_status.has_value()) return *exit_status;

  const auto config = CompleteLoaderConfig(flags);
  if (!config.ok()) return Fail(config.status());
  LogToStderr(config->log_level());
  LogGrpcAsEvents();
  if (!config->access().private_key_file().empty() ||
      !config->access().token_file().empty()) {
    KeepSecrets();
  }

  const StopSignals stop_signals;
  const auto loader = Loader::Create(*config);
  if (!loader.ok()) return Fail(loader.status());
  const auto changes = ChangeFollower::Create(*config);
  if (!changes.ok()) return Fail(changes.status());
  spdlog::info("event=started store={} bundles={} control={}", config->store(),
               config->bundles(), config->control());
  std::jthread runner(
      [&](const std::stop_token& stop) { (*loader)->Run(stop); });
  std::jthread follower(
      [&](const std::stop_token& stop) { (*changes)->Run(stop); });
  stop_signals.Wait();
  runner.request_stop();
  follower.request_stop();
  runner.join();
  follower.join();
  spdlog::info("event=stopped");
  return 0;
}

}  // namespace tributary
