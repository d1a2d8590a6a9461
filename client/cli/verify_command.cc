// tributary verify: "ok" and exit status 0, or the reason and 1.
#include <memory>
#include <string>

#include "client/cli/commands.h"
#include "fmt/core.h"
#include "index/publish/version_directory.h"

namespace tributary {

void AddVerifyCommand(CLI::App& app) {
  auto bundle = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "verify", "Check every byte of a bundle and try its searches");
  command->add_option("bundle", *bundle, "The bundle's directory")->required();
  command->callback([bundle] {
    FailUnlessOk(VerifyVersion(*bundle));
    fmt::print("ok\n");
  });
}

}  // namespace tributary
