#include "cli/run_tributary.h"

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "grpcpp/grpcpp.h"
#include "index/bundle/bundle.h"
#include "server/trial/trial.h"
#include "version/version.h"

namespace tributary {

int RunTributary(int argc, char** argv, const RetrieverRegistry& registry) {
  RunTrialIfAsked(argc, argv, registry);
  CLI::App app{"Tributary: the retrieval stage of a recommender"};
  app.set_version_flag(
      "--version", VersionText("tributary", kBundleFormat, grpc::Version()));
  app.require_subcommand(1);
  AddSplitCommand(app);
  AddBuildCommand(app, registry);
  AddExtendCommand(app);
  AddAddRetrieverCommand(app, registry);
  AddVerifyCommand(app);
  AddInspectCommand(app);
  AddGateCommand(app);
  AddKeygenCommand(app);
  AddPublishCommand(app);
  AddControlCommand(app);
  AddRetrieveCommand(app);
  AddBenchCommand(app);
  AddEvalCommand(app, registry);
  AddTuneCommand(app, registry);
  CLI11_PARSE(app, argc, argv);
  return 0;
}

}  // namespace tributary
