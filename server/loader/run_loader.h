#ifndef TRIBUTARY_SERVER_LOADER_RUN_LOADER_H_
#define TRIBUTARY_SERVER_LOADER_RUN_LOADER_H_

#include "server/retrieval/retriever.h"

namespace tributary {

// The program `tributary-loader`: parses main's arguments, follows the store
// until SIGTERM or SIGINT, and returns the exit status. The gate measures
// retrievers of the kinds that `registry` knows. In the process of a trial (see
// RunTrialIfAsked), does the trial's work and does not return. Call it at most
// once in a process, before other threads start: it blocks those signals for
// them.
//
// A trial starts the running program again with arguments of its own. A main
// that calls RunLoader only for some arguments must therefore call
// RunTrialIfAsked before it looks at them.
int RunLoader(int argc, char** argv, const RetrieverRegistry& registry);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_RUN_LOADER_H_
