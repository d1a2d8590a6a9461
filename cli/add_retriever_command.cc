// tributary add-retriever: writes a new version of a bundle with one retriever
// more.
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "cli/commands.h"
#include "cli/json_flag.h"
#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "index/bundle/bundle.h"
#include "index/bundle/bundle_writer.h"
#include "index/bundle/version_reservation.h"
#include "index/verify/verify_bundle.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

struct AddRetrieverFlags {
  std::string bundle;
  std::string retriever;
  std::string out;
  uint64_t version = 0;
  JsonFlag json;
};

absl::StatusOr<v1::RetrieverSpec> ParseSpec(const std::string& json) {
  v1::RetrieverSpec spec;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &spec);
  if (parsed.ok()) return spec;
  return absl::InvalidArgumentError(fmt::format(
      "retriever: not a RetrieverSpec as JSON: {}", parsed.ToString()));
}

// The error that a reader of the manifest would report.
absl::Status CheckManifest(const v1::Manifest& manifest) {
  std::string json;
  // Fails only for messages with unknown Any types.
  (void)google::protobuf::util::MessageToJsonString(manifest, &json);
  return ParseManifest(json).status();
}

// Makes `to` a file with the content of `from`. Files of versions never change,
// so that two versions may share one.
absl::Status LinkOrCopy(const fs::path& from, const fs::path& to) {
  std::error_code error;
  // A link to a symbolic link would lead nowhere.
  fs::create_hard_link(fs::canonical(from, error), to, error);
  if (!error) return absl::OkStatus();
  fs::copy_file(from, to, error);
  if (!error) return absl::OkStatus();
  return absl::ErrnoToStatus(
      error.value(), fmt::format("{}: copy {}", to.string(), from.string()));
}

absl::Status AddRetriever(const AddRetrieverFlags& flags,
                          const RetrieverRegistry& registry) {
  ASSIGN_OR_RETURN(const v1::RetrieverSpec spec, ParseSpec(flags.retriever));
  ASSIGN_OR_RETURN(const auto bundle, Bundle::Open(flags.bundle));
  v1::Manifest manifest = bundle->manifest();
  *manifest.add_retrievers() = spec;
  RETURN_IF_ERROR(CheckManifest(manifest));
  RETURN_IF_ERROR(registry.Make(*bundle, spec).status());
  // A damaged file must not get a new hash that fits.
  RETURN_IF_ERROR(VerifyBundle(*bundle));
  fs::path root = flags.out;
  if (root.empty()) {
    std::error_code ignored;
    root = fs::weakly_canonical(flags.bundle, ignored).parent_path();
  }
  ASSIGN_OR_RETURN(const VersionReservation reservation,
                   VersionReservation::Take(root, flags.version));
  ASSIGN_OR_RETURN(BundleWriter writer,
                   BundleWriter::Create(root, reservation.version()));
  for (const v1::FileEntry& file : manifest.files()) {
    RETURN_IF_ERROR(writer.AddFile(file.name(), [&](const fs::path& to) {
      return LinkOrCopy(bundle->dir() / file.name(), to);
    }));
  }
  ASSIGN_OR_RETURN(const fs::path dir, writer.Finish(std::move(manifest)));
  fmt::print(stderr,
             "  the fusion model does not know {} yet: `tune` learns its "
             "weight and quota\n",
             spec.name());
  RETURN_IF_ERROR(flags.json.WriteObject(
      {{"bundle", dir.string()},
       {"version", fmt::to_string(reservation.version())}}));
  if (!flags.json.on_stdout()) fmt::print("{}\n", dir.string());
  return absl::OkStatus();
}

}  // namespace

void AddAddRetrieverCommand(CLI::App& app, const RetrieverRegistry& registry) {
  auto flags = std::make_shared<AddRetrieverFlags>();
  CLI::App* command = app.add_subcommand(
      "add-retriever",
      "Write a new version of a bundle with one retriever more");
  command->add_option("bundle", flags->bundle, "The bundle's directory")
      ->required();
  command
      ->add_option("retriever", flags->retriever,
                   "An entry of the manifest's retrievers, as JSON: "
                   "{\"name\": ..., \"kind\": ..., \"settings\": {...}}")
      ->required();
  command->add_option("--out", flags->out,
                      "Write the new version to OUT/<version>. Default: the "
                      "directory that holds the bundle");
  command->add_option("--version", flags->version,
                      "Number of the new version. Default: one above the "
                      "highest in OUT");
  flags->json.AddTo(*command, "the new version's directory");
  command->callback(
      [flags, &registry] { FailUnlessOk(AddRetriever(*flags, registry)); });
}

}  // namespace tributary
