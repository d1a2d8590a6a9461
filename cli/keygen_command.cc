// tributary keygen: makes the keys that sign bundles and verify signatures.
#include <memory>
#include <string>

#include "cli/commands.h"
#include "fmt/core.h"
#include "index/publish/signature.h"

namespace tributary {

void AddKeygenCommand(CLI::App& app) {
  auto path = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "keygen", "Make an Ed25519 key pair for signing bundles");
  command
      ->add_option(
          "private", *path,
          "File for the private key; the public key goes to PRIVATE.pub")
      ->required();
  command->callback([path] {
    FailUnlessOk(GenerateKeyPair(*path));
    fmt::print(
        "{0}: for tributary publish --sign\n{0}.pub: for the loader's "
        "public_keys\n",
        *path);
  });
}

}  // namespace tributary
