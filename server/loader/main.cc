// tributary-loader: follows a store and keeps a server's bundles up to date.
// Its gate knows the built-in kinds of retrievers.
#include "server/loader/run_loader.h"

int main(int argc, char** argv) {
  return tributary::RunLoader(argc, argv,
                              tributary::RetrieverRegistry::BuiltIn());
}
