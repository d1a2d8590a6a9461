// tributary verify: prints "ok" and exits with 0, or the reason and exits
// with 1.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/json_flag.h"
#include "fmt/core.h"
#include "index/publish/directory_store.h"
#include "index/sign/signature.h"
#include "index/verify/verify_version.h"
#include "status/status_macros.h"

namespace tributary {

namespace {

struct VerifyFlags {
  std::string bundle;
  std::vector<std::filesystem::path> public_keys;
  JsonFlag json;
};

absl::Status CheckSignature(const VerifyFlags& flags) {
  ASSIGN_OR_RETURN(const PublicKeys keys, PublicKeys::Read(flags.public_keys));
  if (keys.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(VersionSource source, OpenVersionSource(flags.bundle));
  ASSIGN_OR_RETURN(const SignedManifest manifest,
                   source.store.ReadManifest(source.version, {}));
  return keys.Check(manifest);
}

}  // namespace

void AddVerifyCommand(CLI::App& app) {
  auto flags = std::make_shared<VerifyFlags>();
  CLI::App* command = app.add_subcommand(
      "verify", "Verify every byte of a bundle and try its searches");
  command->add_option("bundle", flags->bundle, "The bundle's directory")
      ->required();
  command->add_option(
      "--public-key", flags->public_keys,
      "File of a public key; repeat for several. One of the keys "
      "must have signed the bundle");
  flags->json.AddTo(*command, "the verdict");
  command->callback([flags] {
    FailUnlessOk(CheckSignature(*flags));
    FailUnlessOk(VerifyVersion(flags->bundle));
    FailUnlessOk(flags->json.WriteObject(
        {{"bundle", flags->bundle}, {"verdict", "ok"}}));
    if (!flags->json.on_stdout()) fmt::print("ok\n");
  });
}

}  // namespace tributary
