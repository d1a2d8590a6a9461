// tributary gate: whether a version may take another one's place.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/json_flag.h"
#include "fmt/core.h"
#include "index/bundle/bundle.h"
#include "proto/yaml/config_flags.h"
#include "proto/yaml/yaml_message.h"
#include "server/gate/gate_config.h"
#include "server/gate/gate_report.h"
#include "server/trial/trial.h"
#include "server/trial/trial_config.h"
#include "server/versions/as_configured.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

struct GateFlags {
  // The old bundle, which may be absent, and the new one.
  std::vector<std::string> bundles;
  JsonFlag json;
  bool force = false;
  // The server's configuration; empty: none.
  std::string server_config;
  v1::Gate gate;
};

// Whether a server with that configuration would take the new version.
absl::Status CheckServerConfig(const GateFlags& flags) {
  if (flags.server_config.empty()) return absl::OkStatus();
  v1::ServerConfig config;
  RETURN_IF_ERROR(ReadYamlFile(flags.server_config, &config));
  ASSIGN_OR_RETURN(const auto bundle, Bundle::Open(flags.bundles.back()));
  return CheckAsConfigured(config.defaults(), bundle->manifest());
}

absl::StatusOr<v1::GateReport> RunGate(const GateFlags& flags) {
  RETURN_IF_ERROR(CheckServerConfig(flags));
  TrialTask task{.bundle = std::filesystem::path(flags.bundles.back())};
  if (flags.bundles.size() == 2) task.old_bundle = flags.bundles.front();
  ASSIGN_OR_RETURN(task.gate, CompleteGate(flags.gate));
  ASSIGN_OR_RETURN(task.trial, CompleteTrial({}));
  ASSIGN_OR_RETURN(v1::GateReport report, TryVersion(task));
  RETURN_IF_ERROR(flags.json.Write(report));
  if (!flags.json.on_stdout()) fmt::print("{}", GateTable(report));
  if (!task.old_bundle.empty() && report.old_version() == 0) {
    // Its last check says why.
    return absl::FailedPreconditionError(task.old_bundle.string() +
                                         ": the bundles could not be compared");
  }
  return report;
}

void Run(const GateFlags& flags) {
  const auto report = RunGate(flags);
  FailUnlessOk(report.status());
  if (report->passed()) return;
  if (!flags.force) throw CLI::RuntimeError(1);
  fmt::print(stderr, "FORCED: version {} did not pass the gate\n",
             report->version());
}

}  // namespace

void AddGateCommand(CLI::App& app) {
  auto flags = std::make_shared<GateFlags>();
  CLI::App* command = app.add_subcommand(
      "gate",
      "Verify a bundle in a process of its own, and decide whether it may take "
      "the place of another: exit status 0, or 1 with the reasons");
  command
      ->add_option(
          "bundles", flags->bundles,
          "[OLD] NEW: the directories of the bundles. Without OLD, only "
          "the checks of NEW alone are made")
      ->required()
      ->expected(1, 2);
  flags->json.AddWithFileTo(*command, "the report");
  command->add_flag("--force", flags->force,
                    "Exit status 0 even if the bundle does not pass the gate. "
                    "A damaged bundle is still an error");
  command->add_option("--server-config", flags->server_config,
                      "The server's configuration: a bundle that lacks a "
                      "retriever which it names is refused, as by the server");
  AddConfigFlags(*command, &flags->gate);
  command->callback([flags] { Run(*flags); });
}

}  // namespace tributary
