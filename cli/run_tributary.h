#ifndef TRIBUTARY_CLI_RUN_TRIBUTARY_H_
#define TRIBUTARY_CLI_RUN_TRIBUTARY_H_

#include "server/retrieval/retriever.h"

namespace tributary {

// The `tributary` command: parses main's arguments, runs the subcommand that
// they name, and returns the exit status. Retrievers are of the kinds that
// `registry` knows. In the process of a trial (see RunTrialIfAsked), does the
// trial's work and does not return. Call it at most once in a process.
int RunTributary(int argc, char** argv, const RetrieverRegistry& registry);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_RUN_TRIBUTARY_H_
