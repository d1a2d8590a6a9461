// The `tributary` command line.
#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "grpcpp/grpcpp.h"
#include "index/bundle/bundle.h"
#include "server/trial/trial.h"
#include "version/version.h"

int main(int argc, char** argv) {
  tributary::RunTrialIfAsked(argc, argv);
  CLI::App app{"Tributary: the retrieval stage of a recommender"};
  app.set_version_flag(
      "--version", tributary::VersionText("tributary", tributary::kBundleFormat,
                                          grpc::Version()));
  app.require_subcommand(1);
  tributary::AddSplitCommand(app);
  tributary::AddBuildCommand(app);
  tributary::AddExtendCommand(app);
  tributary::AddVerifyCommand(app);
  tributary::AddInspectCommand(app);
  tributary::AddGateCommand(app);
  tributary::AddKeygenCommand(app);
  tributary::AddPublishCommand(app);
  tributary::AddControlCommand(app);
  tributary::AddRetrieveCommand(app);
  tributary::AddBenchCommand(app);
  tributary::AddEvalCommand(app);
  tributary::AddTuneCommand(app);
  CLI11_PARSE(app, argc, argv);
  return 0;
}
