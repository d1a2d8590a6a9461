// The subcommands of `tributary`, one file each.
#ifndef TRIBUTARY_CLI_COMMANDS_H_
#define TRIBUTARY_CLI_COMMANDS_H_

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "server/retrieval/retriever.h"

namespace tributary {

// Each adds one subcommand. It runs when the command line is parsed, and
// throws CLI::RuntimeError with the exit status when it fails. `registry`
// outlives `app`.
void AddBuildCommand(CLI::App& app, const RetrieverRegistry& registry);
void AddAddRetrieverCommand(CLI::App& app, const RetrieverRegistry& registry);
void AddVerifyCommand(CLI::App& app);
void AddInspectCommand(CLI::App& app);
void AddKeygenCommand(CLI::App& app);
void AddPublishCommand(CLI::App& app);
void AddRefreshCommand(CLI::App& app);
void AddChangeCommand(CLI::App& app);
void AddRetrieveCommand(CLI::App& app);
void AddReplayCommand(CLI::App& app);
void AddExplainCommand(CLI::App& app);
void AddHealthCommand(CLI::App& app);
void AddBenchCommand(CLI::App& app);
void AddControlCommand(CLI::App& app);
void AddEvalCommand(CLI::App& app, const RetrieverRegistry& registry);
void AddGateCommand(CLI::App& app);
void AddExtendCommand(CLI::App& app);
void AddSplitCommand(CLI::App& app);
void AddCompletionCommand(CLI::App& app);
void AddPlanCommand(CLI::App& app);
void AddTuneCommand(CLI::App& app, const RetrieverRegistry& registry);

// Prints an error to stderr and ends the command with exit status 1.
void FailUnlessOk(const absl::Status& status);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_COMMANDS_H_
