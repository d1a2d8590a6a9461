// tributary extend: adds new items to a bundle without training.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/json_flag.h"
#include "cli/scratch_file.h"
#include "cli/store_changes.h"
#include "cli/upserts_file.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "index/assemble/extend.h"
#include "index/assemble/new_items.h"
#include "index/bundle/version_reservation.h"
#include "server/process/control_groups.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Keys of items without a vector that are printed, at most.
constexpr size_t kKeysNamed = 10;

struct ExtendFlags {
  std::string from;
  std::string items;
  // The store whose live changes bring the items; empty: none.
  std::string changes;
  v1::S3 s3;
  std::string out;
  uint64_t version = 0;
  uint32_t threads = 0;
  JsonFlag json;
};

void ShowColumns(const NewItems& items) {
  if (!items.ignored.empty()) {
    fmt::print(stderr, "ignored columns that the bundle does not know: {}\n",
               fmt::join(items.ignored, ", "));
  }
  if (!items.missing.empty()) {
    fmt::print(stderr, "missing columns, treated as empty: {}\n",
               fmt::join(items.missing, ", "));
  }
}

void ShowVectors(const NewItems& items,
                 const std::vector<std::string>& without) {
  fmt::print(stderr, "  {} new items, {} of them with vectors\n",
             items.keys.size(), items.keys.size() - without.size());
  if (without.empty()) return;
  const size_t named = std::min(without.size(), kKeysNamed);
  fmt::print(stderr,
             "items without a known feature, and so without a vector: {}{}\n",
             fmt::join(without.begin(),
                       without.begin() + static_cast<ptrdiff_t>(named), ", "),
             named < without.size() ? ", ..." : "");
}

// The items that the live changes of a store have added.
absl::StatusOr<NewItems> ReadUpserts(const ExtendFlags& flags,
                                     const Bundle& bundle) {
  ASSIGN_OR_RETURN(const StoreChanges changes,
                   ReadStoreChanges(flags.changes, flags.s3));
  const UpsertedItems upserts = CollectUpserts(changes.changes, bundle);
  for (const std::string& warning : upserts.warnings) {
    fmt::print(stderr, "warning: {}\n", warning);
  }
  if (upserts.with_vectors > 0) {
    fmt::print(stderr,
               "  {} items that live changes gave vectors are left to them\n",
               upserts.with_vectors);
  }
  if (upserts.items == 0) {
    return absl::NotFoundError(fmt::format(
        "--changes {}: the live changes have added no item that the bundle "
        "lacks",
        flags.changes));
  }
  const ScratchFile file(".csv");
  RETURN_IF_ERROR(file.Write(upserts.csv));
  return ReadNewItems(file.path(), bundle);
}

absl::Status Extend(const ExtendFlags& flags) {
  if (flags.items.empty() == flags.changes.empty()) {
    return absl::InvalidArgumentError(
        "give one of --items FILE and --changes STORE: where the new items "
        "come "
        "from");
  }
  ASSIGN_OR_RETURN(const auto bundle, Bundle::Open(flags.from));
  ASSIGN_OR_RETURN(const NewItems items,
                   flags.changes.empty() ? ReadNewItems(flags.items, *bundle)
                                         : ReadUpserts(flags, *bundle));
  ShowColumns(items);
  ExtendRequest request;
  request.root = flags.out;
  if (flags.out.empty()) {
    std::error_code ignored;
    request.root =
        std::filesystem::weakly_canonical(flags.from, ignored).parent_path();
  }
  ASSIGN_OR_RETURN(const VersionReservation reservation,
                   VersionReservation::Take(request.root, flags.version));
  request.version = reservation.version();
  request.data_name = flags.changes.empty() ? flags.items : flags.changes;
  request.threads = flags.threads;
  ASSIGN_OR_RETURN(const Extension extension,
                   ExtendBundle(*bundle, items, request));
  ShowVectors(items, extension.without_vector);
  RETURN_IF_ERROR(
      flags.json.WriteObject({{"bundle", extension.dir.string()},
                              {"version", fmt::to_string(request.version)}}));
  if (!flags.json.on_stdout()) fmt::print("{}\n", extension.dir.string());
  return absl::OkStatus();
}

}  // namespace

void AddExtendCommand(CLI::App& app) {
  auto flags = std::make_shared<ExtendFlags>();
  CLI::App* command = app.add_subcommand(
      "extend",
      "Write a new version of a bundle with new items, without training");
  command->add_option("--from", flags->from, "The bundle's directory")
      ->required();
  command->add_option(
      "--items", flags->items,
      "File of the new items and their features: csv or RecBole .item");
  command->add_option(
      "--changes", flags->changes,
      "Instead: the store, a directory or s3://BUCKET/PREFIX, whose live "
      "changes have added items");
  command
      ->add_option_function<std::string>(
          "--changes-endpoint",
          [flags](const std::string& endpoint) {
            flags->s3.set_endpoint(endpoint);
          },
          "The address of the S3 service of --changes. Default: that of AWS")
      ->needs("--changes");
  command->add_option("--out", flags->out,
                      "Write the new version to OUT/<version>. Default: the "
                      "directory that holds the bundle");
  command->add_option("--version", flags->version,
                      "Number of the new version. Default: one above the "
                      "highest in OUT");
  flags->threads = std::min(1024U, AvailableCpus());
  command->add_option("--threads", flags->threads, "Number of threads")
      ->check(CLI::Range(1, 1024));
  flags->json.AddTo(*command, "the new version's directory");
  command->callback([flags] { FailUnlessOk(Extend(*flags)); });
}

}  // namespace tributary
