// tributary change: writes live changes into a store, or through a server.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/access_flags.h"
#include "cli/brokers/broker_address.h"
#include "cli/brokers/follow_broker.h"
#include "cli/change_flags.h"
#include "cli/change_value.h"
#include "cli/change_warnings.h"
#include "cli/commands.h"
#include "cli/json_flag.h"
#include "cli/store_changes.h"
#include "client/server_address.h"
#include "fmt/format.h"
#include "grpcpp/client_context.h"
#include "index/bundle/bundle.h"
#include "index/bundle/version_directory.h"
#include "index/changes/change_head.h"
#include "index/changes/effective_changes.h"
#include "index/changes/removed_items.h"
#include "proto/yaml/config_flags.h"
#include "server/change_writer/change_writer.h"
#include "status/status_macros.h"
#include "text/quoted.h"
#include "tributary/v1/change_service.grpc.pb.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kChangeDeadline(30);
// How long another writer is waited for.
constexpr std::chrono::seconds kChangePatience(5);

struct CommandFlags {
  std::string store;
  ChangeFlags changes;
  std::string check_with;
  std::string key;
  ClientCredentials credentials;
  v1::S3 s3;
  bool list = false;
  bool compact = false;
  bool strict = false;
  bool drain = false;
  JsonFlag json;
};

// What the log of a store says now.
struct LogState {
  ChangeHead head;
  RemovedItems removed;
  absl::flat_hash_set<std::string> added;
  // Filled for --list.
  EffectiveChanges effective;
};

bool IsAddress(const std::string& store) {
  if (store.starts_with("unix:") || store.starts_with("unix-abstract:")) {
    return true;
  }
  std::error_code error;
  return store.find("://") == std::string::npos && !fs::exists(store, error) &&
         CheckServerAddress("store", store).ok();
}

absl::Status CheckStore(const std::string& store) {
  if (IsS3Store(store)) return absl::OkStatus();
  if (store.find("://") != std::string::npos) {
    return absl::InvalidArgumentError(fmt::format(
        "store: {} is not a directory or s3://BUCKET/PREFIX: changes are "
        "written where the store's directory is, and read from stores of every "
        "kind",
        Quoted(store)));
  }
  return ChangesFolderOf(store).status();
}

absl::StatusOr<LogState> ReadLog(const CommandFlags& flags) {
  LogState state;
  ASSIGN_OR_RETURN(
      state.head,
      ReadStoreChanges(flags.store, flags.s3,
                       [&](const v1::Change& change, std::string_view bytes,
                           const absl::Status& verdict) {
                         if (flags.list)
                           state.effective.Add(change, bytes, verdict.ok());
                         if (!verdict.ok()) return absl::OkStatus();
                         state.removed.Apply(change);
                         if (change.has_upsert())
                           state.added.insert(change.item());
                         return absl::OkStatus();
                       }));
  return state;
}

// The version to compare with, if there is one.
absl::StatusOr<std::shared_ptr<const Bundle>> BundleToCheckWith(
    const CommandFlags& flags) {
  if (!flags.check_with.empty()) {
    auto bundle = Bundle::Open(flags.check_with);
    if (bundle.ok()) return *std::move(bundle);
    return absl::Status(bundle.status().code(),
                        fmt::format("--check-with {}: {}", flags.check_with,
                                    std::string(bundle.status().message())));
  }
  // A store in which there is nothing, or nothing whole, yet: the changes are
  // right nevertheless.
  if (IsS3Store(flags.store)) return nullptr;
  const auto current = ReadCurrent(flags.store);
  if (!current.ok() || *current == 0) return nullptr;
  auto bundle = Bundle::Open(VersionPath(flags.store, *current));
  if (!bundle.ok()) return nullptr;
  return *std::move(bundle);
}

absl::Status Warn(const CommandFlags& flags, const LogState& state,
                  const std::vector<v1::Change>& changes) {
  if (changes.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto bundle, BundleToCheckWith(flags));
  if (bundle == nullptr) return absl::OkStatus();
  for (const std::string& warning :
       WarningsOf(changes, *bundle, [&](std::string_view key) {
         return state.added.contains(absl::string_view(key.data(), key.size()));
       })) {
    fmt::print(stderr, "warning: {}\n", warning);
  }
  return absl::OkStatus();
}

std::string FormatValues(const google::protobuf::Struct& values) {
  // Maps of messages have no order.
  std::vector<std::string> texts;
  for (const auto& [name, value] : values.fields()) {
    texts.push_back(
        fmt::format(" {}={}", Printable(name), FormatChangeValue(value)));
  }
  std::sort(texts.begin(), texts.end());
  std::string line;
  for (const std::string& text : texts) line += text;
  return line;
}

// What a change does, in words that come after the item's key.
std::string Describe(const v1::Change& change) {
  switch (change.what_case()) {
    case v1::Change::kRemove:
      return change.remove().reason().empty()
                 ? "is taken down"
                 : fmt::format(
                       "is taken down ({})",
                       Printable(change.remove().reason(), kMaxReasonBytes));
    case v1::Change::kRestore:
      return "is restored";
    case v1::Change::kSet:
      return "has" + FormatValues(change.set().attributes());
    case v1::Change::kUpsert: {
      const v1::UpsertItem& upsert = change.upsert();
      std::string text = "is added with" + FormatValues(upsert.features());
      for (const auto& [space, vector] : upsert.vectors()) {
        text += fmt::format(" vector:{}", Printable(space));
      }
      if (upsert.features().fields().empty() && upsert.vectors().empty()) {
        text = "is added";
      }
      if (upsert.expires_at_ms() > 0) {
        text += " until " + FormatChangeTime(upsert.expires_at_ms());
      }
      return text;
    }
    case v1::Change::kEvent: {
      const v1::UserEvent& event = change.event();
      std::string text = fmt::format("was met by {}", Printable(event.user()));
      if (!event.type().empty()) {
        text += fmt::format(" ({})", Printable(event.type()));
      }
      if (event.has_value()) text += fmt::format(" value={}", event.value());
      if (event.time_ms() != 0) {
        text += " at " + FormatChangeTime(event.time_ms());
      }
      return text;
    }
    case v1::Change::kExpire:
      return change.expire().at_ms() == 0
                 ? "does not expire"
                 : "expires at " + FormatChangeTime(change.expire().at_ms());
    case v1::Change::WHAT_NOT_SET:
      break;
  }
  return "has a change that this program is too old to know";
}

void PrintChanges(const EffectiveChanges& effective) {
  for (const auto& [number, bytes] : effective.kept()) {
    v1::Change change;
    if (!change.ParseFromString(bytes)) continue;
    fmt::print("{} {} {} {}\n", number, FormatChangeTime(change.at_ms()),
               Printable(change.item(), kMaxChangedKeyBytes), Describe(change));
  }
}

std::string WrittenText(const std::string& kinds, uint64_t count,
                        uint64_t first) {
  return fmt::format(
      "written: {} ({}), {}, durably; ",
      count == 1 ? "1 change" : fmt::format("{} changes", count), kinds,
      count == 1 ? fmt::format("number {}", first)
                 : fmt::format("numbers {} to {}", first, first + count - 1));
}

v1::ChangeWriting WritingTo(const CommandFlags& flags) {
  v1::ChangeWriting settings;
  settings.set_store(flags.store);
  settings.set_sign_key_file(flags.key);
  *settings.mutable_s3() = flags.s3;
  return settings;
}

absl::Status RunOnStore(const CommandFlags& flags,
                        std::vector<v1::Change> changes) {
  RETURN_IF_ERROR(CheckStore(flags.store));
  ChangeWriter writer(WritingTo(flags));
  const size_t count = changes.size();
  uint64_t first = 0;
  if (count > 0) {
    ASSIGN_OR_RETURN(
        const WrittenChanges written,
        writer.Append(changes,
                      absl::Now() + absl::FromChrono(kChangePatience)));
    first = written.first;
  }
  if (flags.compact) {
    RETURN_IF_ERROR(
        writer.Compact(absl::Now() + absl::FromChrono(kChangePatience)));
  }
  ASSIGN_OR_RETURN(const LogState state, ReadLog(flags));
  RETURN_IF_ERROR(Warn(flags, state, changes));
  RETURN_IF_ERROR(flags.json.WriteObject(
      {{"through", fmt::to_string(state.head.through)},
       {"written", fmt::to_string(count)},
       {"removedItems", fmt::to_string(state.removed.size())}}));
  if (flags.json.on_stdout()) return absl::OkStatus();
  if (flags.list) PrintChanges(state.effective);
  if (count > 0)
    fmt::print("{}", WrittenText(CountKinds(changes), count, first));
  const uint64_t through = state.head.through;
  const size_t down = state.removed.size();
  fmt::print("the log has {} change{}, and {} item{} taken down\n", through,
             through == 1 ? "" : "s", down, down == 1 ? " is" : "s are");
  return absl::OkStatus();
}

// Writes what comes from a broker, until a signal comes.
absl::Status RunOnBroker(const CommandFlags& flags) {
  if (!flags.changes.HasOnlyOneFrom() || flags.list || flags.compact) {
    return absl::InvalidArgumentError(
        "--from with the address of a broker is given alone");
  }
  if (IsS3Store(flags.store) || IsAddress(flags.store)) {
    return absl::InvalidArgumentError(fmt::format(
        "store: {} is no directory: a reader of a broker keeps files beside "
        "the log, so that it writes nothing twice",
        Quoted(flags.store)));
  }
  ASSIGN_OR_RETURN(const fs::path folder, ChangesFolderOf(flags.store));
  const ChangeWriter writer(WritingTo(flags));
  FollowCounts counts;
  const absl::Status status =
      FollowBroker({.address = flags.changes.from[0],
                    .folder = folder,
                    .open = [&] { return writer.OpenLog(); },
                    .strict = flags.strict,
                    .drain = flags.drain},
                   &counts);
  if (!flags.json.on_stdout()) {
    fmt::print("written: {}; passed over: {}; written before: {}\n",
               counts.written, counts.passed_over, counts.again);
  }
  RETURN_IF_ERROR(status);
  return flags.json.WriteObject(
      {{"written", fmt::to_string(counts.written)},
       {"passedOver", fmt::to_string(counts.passed_over)},
       {"writtenBefore", fmt::to_string(counts.again)}});
}

absl::Status OutcomeOf(const std::string& address, const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  // gRPC's codes and Abseil's have equal numbers.
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      fmt::format("{}: {}", address, status.error_message()));
}

absl::Status RunOnServer(const CommandFlags& flags,
                         const std::vector<v1::Change>& changes) {
  if (flags.list || flags.compact || !flags.key.empty() ||
      !flags.check_with.empty()) {
    return absl::InvalidArgumentError(fmt::format(
        "{} is the address of a server: --list, --compact, --sign and "
        "--check-with need the store itself",
        flags.store));
  }
  ASSIGN_OR_RETURN(const auto channel,
                   OpenChannelOf("store", flags.store, flags.credentials));
  const auto stub = v1::Changes::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kChangeDeadline);
  if (changes.empty()) {
    v1::ChangesStatus status;
    RETURN_IF_ERROR(
        OutcomeOf(flags.store, stub->GetStatus(&context, {}, &status)));
    RETURN_IF_ERROR(flags.json.Write(status));
    if (flags.json.on_stdout()) return absl::OkStatus();
    fmt::print(
        "the server has applied the changes through {}, and {} item{} "
        "taken down\n",
        status.through(), status.removed_items(),
        status.removed_items() == 1 ? " is" : "s are");
    return absl::OkStatus();
  }
  v1::ApplyChangesRequest request;
  request.mutable_changes()->Assign(changes.begin(), changes.end());
  v1::ApplyChangesResponse response;
  RETURN_IF_ERROR(
      OutcomeOf(flags.store, stub->Apply(&context, request, &response)));
  RETURN_IF_ERROR(flags.json.Write(response));
  if (flags.json.on_stdout()) return absl::OkStatus();
  fmt::print(
      "{}servers apply them as soon as their loaders have them\n",
      WrittenText(CountKinds(changes), changes.size(), response.first()));
  return absl::OkStatus();
}

absl::Status Run(const CommandFlags& flags) {
  if (std::ranges::any_of(flags.changes.from, IsBrokerAddress)) {
    return RunOnBroker(flags);
  }
  ASSIGN_OR_RETURN(std::vector<v1::Change> changes, flags.changes.Changes());
  return IsAddress(flags.store) ? RunOnServer(flags, changes)
                                : RunOnStore(flags, std::move(changes));
}

}  // namespace

void AddChangeCommand(CLI::App& app) {
  auto flags = std::make_shared<CommandFlags>();
  CLI::App* command = app.add_subcommand(
      "change",
      "Take items down, set their attributes, add items and events, on every "
      "server that follows a store; without changes, say what the store's log "
      "has");
  command
      ->add_option("store", flags->store,
                   "The store, a directory or s3://BUCKET/PREFIX, where "
                   "`tributary publish` put the versions; or the control "
                   "address of a server whose "
                   "configuration has changes.store")
      ->required();
  flags->changes.AddTo(*command);
  command->add_option("--check-with", flags->check_with,
                      "Warn of items, attributes and spaces that this bundle "
                      "lacks. Default: the store's current version");
  command->add_option("--sign", flags->key,
                      "Sign the log with this private key, a file of "
                      "`tributary keygen`");
  command->add_flag("--list", flags->list,
                    "Print the changes that no later one replaced: the number, "
                    "the time, the key and what happened");
  command->add_flag("--compact", flags->compact,
                    "Replace the log's changes by those that no later one "
                    "replaced, as it happens by itself when the log is long");
  command->add_flag("--strict", flags->strict,
                    "From a broker: end at a message that is no change, "
                    "instead of passing it over");
  command->add_flag("--drain", flags->drain,
                    "From a broker: end when there are no more messages");
  AddConfigFlags(*command, &flags->s3);
  flags->json.AddTo(*command, "the log's last change and what it has");
  AddAccessFlags(*command, &flags->credentials);
  command->callback([flags] { FailUnlessOk(WithAccessFlags(Run(*flags))); });
}

}  // namespace tributary
