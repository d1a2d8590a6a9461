#ifndef TRIBUTARY_SERVER_RUN_SERVER_H_
#define TRIBUTARY_SERVER_RUN_SERVER_H_

#include "server/retrieval/retriever.h"

namespace tributary {

// The program `tributary-server`: parses main's arguments, serves with
// retrievers of the kinds that `registry` knows until SIGTERM or SIGINT, and
// returns the exit status. Call it at most once in a process, before other
// threads start: it blocks those signals for them.
int RunServer(int argc, char** argv, RetrieverRegistry registry);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RUN_SERVER_H_
