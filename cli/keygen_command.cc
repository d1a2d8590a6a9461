// tributary keygen: makes the keys that sign bundles and verify signatures.
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/json_flag.h"
#include "fmt/core.h"
#include "index/sign/signature.h"

namespace tributary {

void AddKeygenCommand(CLI::App& app) {
  struct KeygenFlags {
    std::string path;
    JsonFlag json;
  };
  auto flags = std::make_shared<KeygenFlags>();
  CLI::App* command = app.add_subcommand(
      "keygen", "Make an Ed25519 key pair for signing bundles");
  command
      ->add_option(
          "private", flags->path,
          "File for the private key; the public key goes to PRIVATE.pub")
      ->required();
  flags->json.AddTo(*command, "the files' names");
  command->callback([flags] {
    const std::string& path = flags->path;
    FailUnlessOk(GenerateKeyPair(path));
    FailUnlessOk(flags->json.WriteObject(
        {{"privateKey", path}, {"publicKey", path + ".pub"}}));
    if (flags->json.on_stdout()) return;
    fmt::print(
        "{0}: for tributary publish --sign\n{0}.pub: for the loader's "
        "public_keys\n",
        path);
  });
}

}  // namespace tributary
