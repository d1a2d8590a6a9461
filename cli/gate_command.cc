// tributary gate: whether a version may take another one's place.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "fmt/core.h"
#include "google/protobuf/util/json_util.h"
#include "index/data/inter_file.h"
#include "proto/yaml/config_flags.h"
#include "server/gate/gate_config.h"
#include "server/gate/gate_report.h"
#include "server/trial/trial.h"
#include "server/trial/trial_config.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

struct GateFlags {
  // The old bundle, which may be absent, and the new one.
  std::vector<std::string> bundles;
  std::string json;
  bool force = false;
  v1::Gate gate;
};

absl::Status WriteReport(const v1::GateReport& report,
                         const std::string& file) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string json;
  // Numbers and names always have a JSON form.
  (void)google::protobuf::util::MessageToJsonString(report, &json, options);
  return WriteTextFile(file, json);
}

absl::StatusOr<v1::GateReport> RunGate(const GateFlags& flags) {
  TrialTask task{.bundle = std::filesystem::path(flags.bundles.back())};
  if (flags.bundles.size() == 2) task.old_bundle = flags.bundles.front();
  ASSIGN_OR_RETURN(task.gate, CompleteGate(flags.gate));
  ASSIGN_OR_RETURN(task.trial, CompleteTrial({}));
  ASSIGN_OR_RETURN(v1::GateReport report, TryVersion(task));
  fmt::print("{}", GateTable(report));
  if (!flags.json.empty()) RETURN_IF_ERROR(WriteReport(report, flags.json));
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
  command->add_option("--json", flags->json,
                      "Write the report to this file, as JSON");
  command->add_flag("--force", flags->force,
                    "Exit status 0 even if the bundle does not pass the gate. "
                    "A damaged bundle is still an error");
  AddConfigFlags(*command, &flags->gate);
  command->callback([flags] { Run(*flags); });
}

}  // namespace tributary
