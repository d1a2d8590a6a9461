// The `tributary` command line, with the built-in kinds of retrievers.
#include "cli/run_tributary.h"

int main(int argc, char** argv) {
  return tributary::RunTributary(argc, argv,
                                 tributary::RetrieverRegistry::BuiltIn());
}
