#include "cli/run_tributary.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "cli/remove_scratch_on_signal.h"
#include "fmt/core.h"
#include "grpcpp/grpcpp.h"
#include "index/bundle/bundle.h"
#include "proto/yaml/unknown_argument.h"
#include "server/process/grpc_log.h"
#include "server/trial/trial.h"
#include "version/version.h"

namespace tributary {
namespace {

void AddCommands(CLI::App& app, const RetrieverRegistry& registry) {
  AddSplitCommand(app);
  AddBuildCommand(app, registry);
  AddExtendCommand(app);
  AddAddRetrieverCommand(app, registry);
  AddVerifyCommand(app);
  AddInspectCommand(app);
  AddGateCommand(app);
  AddKeygenCommand(app);
  AddPublishCommand(app);
  AddRefreshCommand(app);
  AddChangeCommand(app);
  AddControlCommand(app);
  AddRetrieveCommand(app);
  AddExplainCommand(app);
  AddReplayCommand(app);
  AddHealthCommand(app);
  AddPlanCommand(app);
  AddBenchCommand(app);
  AddEvalCommand(app, registry);
  AddTuneCommand(app, registry);
  AddCompletionCommand(app);
  app.add_subcommand("help", "Show the help of a command: help COMMAND");
}

// "help control stage" is "control stage --help".
std::vector<std::string> WithoutHelpCommand(
    std::vector<std::string> arguments) {
  if (arguments.empty() || arguments.front() != "help") return arguments;
  arguments.erase(arguments.begin());
  arguments.emplace_back("--help");
  return arguments;
}

}  // namespace

int RunTributary(int argc, char** argv, const RetrieverRegistry& registry) {
  RunTrialIfAsked(argc, argv, registry);
  SilenceGrpc();
  RemoveScratchOnSignal();
  CLI::App app{"Tributary: the retrieval stage of a recommender", "tributary"};
  app.set_version_flag(
      "--version", VersionText("tributary", kBundleFormat, grpc::Version()));
  app.require_subcommand(1);
  AddCommands(app, registry);
  std::vector<std::string> arguments =
      WithoutHelpCommand({argv + 1, argv + argc});
  const std::string unknown = UnknownArgument(app, arguments);
  if (!unknown.empty()) {
    fmt::print(stderr, "{}\nRun with --help for more information.\n", unknown);
    return static_cast<int>(CLI::ExitCodes::ExtrasError);
  }
  // CLI11 takes arguments from the end.
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return 0;
}

}  // namespace tributary
