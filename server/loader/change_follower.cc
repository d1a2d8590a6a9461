#include "server/loader/change_follower.h"

#include <algorithm>
#include <fstream>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/changes/read_changes.h"
#include "index/publish/backoff.h"
#include "index/publish/open_store.h"
#include "server/process/process.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"
#include "status/status_message.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

// So many times in a row a segment may be merged away since HEAD was read.
constexpr int kErrorsOfMerging = 3;
constexpr milliseconds kDirectoryInterval(20);
constexpr milliseconds kFirstPause(20);
constexpr milliseconds kLongestPause(30'000);
constexpr std::chrono::seconds kNoteInterval(1);
// How many changes the copy gets at a time.
constexpr size_t kCopiedAtATime = 50'000;

bool IsDirectory(const std::string& store) {
  return store.find("://") == std::string::npos;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChangeFollower>> ChangeFollower::Create(
    const v1::LoaderConfig& config) {
  ASSIGN_OR_RETURN(auto store,
                   OpenStore(config.store(), {config.download(), config.s3()}));
  ASSIGN_OR_RETURN(PublicKeys keys,
                   PublicKeys::Read({config.public_keys().begin(),
                                     config.public_keys().end()}));
  return std::unique_ptr<ChangeFollower>(
      new ChangeFollower(config, std::move(store), std::move(keys)));
}

ChangeFollower::ChangeFollower(const v1::LoaderConfig& config,
                               std::unique_ptr<Store> store, PublicKeys keys)
    : folder_(fs::path(config.bundles()) / kChangesName),
      interval_(config.changes_poll_interval_ms()),
      store_(std::move(store)),
      keys_(std::move(keys)) {
  if (IsDirectory(config.store())) {
    watch_ =
        std::make_unique<ChangeWatch>(fs::path(config.store()) / kChangesName);
  }
}

void ChangeFollower::NoteChecked() {
  const auto now = std::chrono::steady_clock::now();
  if (now - noted_ < kNoteInterval) return;
  noted_ = now;
  const fs::path path = folder_ / kChangesCheckedName;
  std::error_code error;
  fs::last_write_time(path, fs::file_time_type::clock::now(), error);
  // The first time. It says nothing that must survive a crash.
  if (error) std::ofstream(path).flush();
}

absl::Status ChangeFollower::OpenCopy() {
  for (const bool again : {false, true}) {
    absl::StatusOr<std::unique_ptr<ChangeLog>> copy = ChangeLog::Open(folder_);
    absl::Status status = copy.status();
    if (status.ok()) {
      ChangePosition position;
      status =
          ReadChanges((*copy)->head(), folder_, &position,
                      [](const v1::Change&, std::string_view,
                         const absl::Status&) { return absl::OkStatus(); });
    }
    if (status.ok()) {
      copy_ = *std::move(copy);
      return status;
    }
    const bool is_damaged =
        absl::IsDataLoss(status) || absl::IsNotFound(status);
    if (again || !is_damaged) return status;
    spdlog::warn("event=changes_copied_anew reason={:?}", MessageOf(status));
    std::error_code error;
    fs::remove_all(folder_, error);
    if (error) return absl::ErrnoToStatus(error.value(), folder_.native());
  }
  return absl::OkStatus();
}

absl::Status ChangeFollower::Step(const std::stop_token& stop) {
  const auto text =
      store_->ReadSmallFile(fmt::format("{}/{}", kChangesName, kChangeHeadName),
                            kMaxChangeHeadBytes, stop);
  if (absl::IsNotFound(text.status()) && copy_ == nullptr) {
    return absl::OkStatus();
  }
  if (!text.ok()) return text.status();
  const std::string what =
      fmt::format("{}/{}/{}", store_->url(), kChangesName, kChangeHeadName);
  ASSIGN_OR_RETURN(const ChangeHead head, ParseChangeHead(*text, what));
  if (copy_ == nullptr) RETURN_IF_ERROR(OpenCopy());
  if (copy_->head().chain == head.chain) {
    NoteChecked();
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(keys_.CheckText(head.SignedText(), head.signature, what));
  const auto read_file = [&](const std::string& name, uint64_t max_bytes) {
    return store_->ReadSmallFile(fmt::format("{}/{}", kChangesName, name),
                                 max_bytes, stop);
  };
  absl::Status read;
  if (head.snapshot.through > copy_->head().through) {
    read = copy_->CopySnapshot(head, read_file);
  }
  std::vector<std::string> changes;
  if (read.ok()) {
    ChangePosition position = {copy_->head().through, copy_->head().chain};
    read = ReadChanges(
        head, read_file, &position,
        [&](const v1::Change&, std::string_view bytes, const absl::Status&) {
          changes.emplace_back(bytes);
          return absl::OkStatus();
        });
  }
  if (absl::IsDataLoss(read)) {
    return absl::DataLossError(fmt::format(
        "{}/{}: {}; if the log was begun anew on purpose, stop the loader and "
        "the server, delete {}, and start them again",
        store_->url(), kChangesName, MessageOf(read), folder_.native()));
  }
  RETURN_IF_ERROR(read);
  for (std::span<const std::string> rest(changes); !rest.empty();) {
    const size_t count = std::min(rest.size(), kCopiedAtATime);
    RETURN_IF_ERROR(copy_->AppendCopies(rest.first(count), head.at_ms));
    rest = rest.subspan(count);
  }
  NoteChecked();
  spdlog::info("event=changes_copied through={} changes={}",
               copy_->head().through, changes.size());
  return absl::OkStatus();
}

void ChangeFollower::Run(const std::stop_token& stop) {
  std::string logged;
  int errors = 0;
  while (!stop.stop_requested()) {
    if (watch_ != nullptr) watch_->Arm();
    const absl::Status status = Step(stop);
    if (stop.stop_requested()) return;
    std::string error;
    milliseconds pause = interval_;
    errors = status.ok() ? 0 : errors + 1;
    if (watch_ != nullptr && !watch_->tells()) pause = kDirectoryInterval;
    // A segment that was merged away since HEAD was read is found by the next
    // HEAD. One that is missing, or a store that is away, stays so.
    const bool may_be_merged =
        absl::IsNotFound(status) && errors <= kErrorsOfMerging;
    if (!status.ok() && !may_be_merged) error = status.ToString();
    if (!status.ok()) {
      pause = Backoff(errors, std::min(pause, kFirstPause), kLongestPause,
                      Chance());
    }
    if (!error.empty() && error != logged) {
      spdlog::warn("event=changes_not_copied reason={:?}", error);
    }
    logged = std::move(error);
    if (watch_ != nullptr) {
      watch_->Wait(pause, stop);
    } else {
      SleepFor(pause, stop);
    }
  }
}

}  // namespace tributary
