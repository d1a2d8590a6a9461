// All of Tributary's programs in one, with a kind of retriever of our own:
// `custom_retriever server`, `custom_retriever loader`, and every subcommand of
// `tributary`.
#include <string_view>

#include "cli/run_tributary.h"
#include "examples/custom_retriever/newest_retriever.h"
#include "server/loader/run_loader.h"
#include "server/run_server.h"
#include "server/trial/trial.h"

int main(int argc, char** argv) {
  tributary::RetrieverRegistry registry =
      tributary::RetrieverRegistry::BuiltIn();
  registry.Register("newest", tributary::NewestRetriever::Create);
  // The gate measures a version in a process that is this program again.
  tributary::RunTrialIfAsked(argc, argv, registry);
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "server") {
    return tributary::RunServer(argc - 1, argv + 1, registry);
  }
  if (command == "loader") {
    return tributary::RunLoader(argc - 1, argv + 1, registry);
  }
  return tributary::RunTributary(argc, argv, registry);
}
