// tributary-server: serves Retrieve from the bundles of a directory, with the
// built-in kinds of retrievers.
#include "server/run_server.h"

int main(int argc, char** argv) {
  return tributary::RunServer(argc, argv,
                              tributary::RetrieverRegistry::BuiltIn());
}
