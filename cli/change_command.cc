// tributary change: writes live changes into a store.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "cli/brokers/broker_address.h"
#include "cli/brokers/follow_broker.h"
#include "cli/changes_file.h"
#include "cli/commands.h"
#include "cli/json_flag.h"
#include "fmt/format.h"
#include "index/changes/change_log.h"
#include "index/changes/read_changes.h"
#include "index/changes/removed_items.h"
#include "index/sign/signature.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

struct ChangeFlags {
  std::string store;
  std::vector<std::string> remove;
  std::vector<std::string> restore;
  std::vector<std::string> from;
  std::string reason;
  std::string key;
  bool list = false;
  bool strict = false;
  bool drain = false;
  JsonFlag json;
};

// What the log of a store says now.
struct LogState {
  ChangeHead head;
  RemovedItems removed;
};

absl::StatusOr<std::vector<v1::Change>> ChangesOf(const ChangeFlags& flags) {
  std::vector<v1::Change> changes;
  for (const std::string& item : flags.remove) {
    v1::Change& change = changes.emplace_back();
    change.set_item(item);
    change.mutable_remove()->set_reason(flags.reason);
  }
  for (const std::string& item : flags.restore) {
    v1::Change& change = changes.emplace_back();
    change.set_item(item);
    change.mutable_restore();
  }
  for (const std::string& file : flags.from) {
    ASSIGN_OR_RETURN(std::vector<v1::Change> more, ReadChangesFile(file));
    for (v1::Change& change : more) changes.push_back(std::move(change));
  }
  return changes;
}

absl::Status CheckStore(const std::string& store) {
  if (store.find("://") != std::string::npos) {
    return absl::InvalidArgumentError(fmt::format(
        "store: {} is not a directory: changes are written where the store's "
        "directory is, and read from stores of every kind",
        Quoted(store)));
  }
  std::error_code error;
  if (!fs::is_directory(store, error)) {
    return absl::NotFoundError(fmt::format(
        "store: {}: no such directory; `tributary publish` makes a store",
        Quoted(store)));
  }
  return absl::OkStatus();
}

absl::StatusOr<LogState> ReadLog(const fs::path& folder) {
  LogState state;
  ASSIGN_OR_RETURN(state.head, ReadChangeHead(folder));
  ChangePosition position;
  RETURN_IF_ERROR(ReadChanges(state.head, folder, &position,
                              [&](const v1::Change& change, std::string_view,
                                  const absl::Status& verdict) {
                                if (verdict.ok()) state.removed.Apply(change);
                                return absl::OkStatus();
                              }));
  return state;
}

absl::StatusOr<std::unique_ptr<ChangeLog>> OpenLog(const fs::path& folder,
                                                   const std::string& key) {
  ChangeLog::Signer signer;
  if (!key.empty()) {
    signer = [&key](std::string_view text) { return SignManifest(text, key); };
  }
  ASSIGN_OR_RETURN(std::unique_ptr<ChangeLog> log,
                   ChangeLog::Open(folder, std::move(signer)));
  if (key.empty() && !log->head().signature.empty()) {
    return absl::FailedPreconditionError(fmt::format(
        "{}: the log is signed, and loaders may refuse one that is not: give "
        "--sign and the private key",
        folder.native()));
  }
  return log;
}

// Writes the changes, and returns the number of the first.
absl::StatusOr<uint64_t> WriteChanges(const fs::path& folder,
                                      const std::string& key,
                                      std::vector<v1::Change> changes) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ChangeLog> log, OpenLog(folder, key));
  const uint64_t first = log->head().through + 1;
  RETURN_IF_ERROR(log->Append(std::move(changes)));
  return first;
}

void PrintRemoved(const RemovedItems& removed) {
  std::vector<std::pair<uint64_t, std::string>> by_change;
  for (const auto& [item, removal] : removed.removals()) {
    by_change.emplace_back(removal.change, item);
  }
  std::sort(by_change.begin(), by_change.end());
  for (const auto& [change, item] : by_change) {
    const Removal& removal = *removed.Find(item);
    fmt::print(
        "{} {} {}{}\n", change,
        std::string(absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                                     absl::FromUnixMillis(removal.at_ms),
                                     absl::UTCTimeZone())),
        Printable(item, kMaxChangedKeyBytes),
        removal.reason.empty()
            ? ""
            : fmt::format(" ({})", Printable(removal.reason, kMaxReasonBytes)));
  }
}

// Writes what comes from a broker, until a signal comes.
void Follow(const ChangeFlags& flags, const fs::path& folder) {
  if (flags.from.size() > 1 || !flags.remove.empty() ||
      !flags.restore.empty() || flags.list) {
    FailUnlessOk(absl::InvalidArgumentError(
        "--from with the address of a broker is given alone"));
  }
  FollowCounts counts;
  const absl::Status status =
      FollowBroker({.address = flags.from[0],
                    .folder = folder,
                    .open = [&] { return OpenLog(folder, flags.key); },
                    .strict = flags.strict,
                    .drain = flags.drain},
                   &counts);
  if (!flags.json.on_stdout()) {
    fmt::print("written: {}; passed over: {}; written before: {}\n",
               counts.written, counts.passed_over, counts.again);
  }
  FailUnlessOk(status);
  FailUnlessOk(flags.json.WriteObject(
      {{"written", fmt::to_string(counts.written)},
       {"passedOver", fmt::to_string(counts.passed_over)},
       {"writtenBefore", fmt::to_string(counts.again)}}));
}

void Run(const ChangeFlags& flags) {
  FailUnlessOk(CheckStore(flags.store));
  const fs::path folder = fs::path(flags.store) / kChangesName;
  if (std::ranges::any_of(flags.from, IsBrokerAddress)) {
    return Follow(flags, folder);
  }
  auto changes = ChangesOf(flags);
  FailUnlessOk(changes.status());
  const size_t count = changes->size();
  uint64_t first = 0;
  if (count > 0) {
    const auto written = WriteChanges(folder, flags.key, *std::move(changes));
    FailUnlessOk(written.status());
    first = *written;
  }
  const auto state = ReadLog(folder);
  FailUnlessOk(state.status());
  FailUnlessOk(flags.json.WriteObject(
      {{"through", fmt::to_string(state->head.through)},
       {"written", fmt::to_string(count)},
       {"removedItems", fmt::to_string(state->removed.size())}}));
  if (flags.json.on_stdout()) return;
  if (flags.list) PrintRemoved(state->removed);
  if (count > 0) {
    fmt::print("written: {} {}, durably; ", count,
               count == 1 ? fmt::format("change, number {}", first)
                          : fmt::format("changes, numbers {} to {}", first,
                                        first + count - 1));
  }
  const uint64_t through = state->head.through;
  const size_t down = state->removed.size();
  fmt::print("the log has {} change{}, and {} item{} taken down\n", through,
             through == 1 ? "" : "s", down, down == 1 ? " is" : "s are");
}

}  // namespace

void AddChangeCommand(CLI::App& app) {
  auto flags = std::make_shared<ChangeFlags>();
  CLI::App* command = app.add_subcommand(
      "change",
      "Take items down, or restore them, on every server that follows a "
      "store; without changes, say what the store's log has");
  command
      ->add_option("store", flags->store,
                   "The store's directory, where `tributary publish` put the "
                   "versions")
      ->required();
  command->add_option("--remove", flags->remove,
                      "Keys of items that no answer may have any more");
  command->add_option("--restore", flags->restore,
                      "Keys of items that answers may have again");
  command->add_option(
      "--from", flags->from,
      "Files of changes: CSV with the columns change (remove or restore), item "
      "and, if need be, reason; or lines of JSON, such as {\"item\": \"42\", "
      "\"remove\": {\"reason\": \"recalled\"}}. -: JSON from standard input. "
      "Or "
      "kafka://HOST:PORT/TOPIC or redis://HOST:PORT/STREAM, and ?group=GROUP: "
      "each message is such a JSON text, until SIGTERM");
  command->add_flag("--strict", flags->strict,
                    "From a broker: end at a message that is no change, "
                    "instead of passing it over");
  command->add_flag("--drain", flags->drain,
                    "From a broker: end when there are no more messages");
  command->add_option("--reason", flags->reason,
                      "Why the items of --remove are taken down, for people");
  command->add_option("--sign", flags->key,
                      "Sign the log with this private key, a file of "
                      "`tributary keygen`");
  command->add_flag("--list", flags->list,
                    "Print the items that are taken down: the change, its "
                    "time, the key and the reason");
  flags->json.AddTo(*command, "the log's last change and what it has");
  command->callback([flags] { Run(*flags); });
}

}  // namespace tributary
