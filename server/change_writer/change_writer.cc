#include "server/change_writer/change_writer.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/time/clock.h"
#include "fmt/format.h"
#include "index/publish/open_change_files.h"
#include "index/sign/signature.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// A batch takes a few milliseconds on a disk, and some more on S3.
constexpr absl::Duration kFirstPause = absl::Milliseconds(2);
constexpr absl::Duration kLongestPause = absl::Milliseconds(100);

}  // namespace

absl::StatusOr<fs::path> ChangesFolderOf(const std::string& store) {
  std::error_code error;
  if (!fs::is_directory(store, error)) {
    return absl::NotFoundError(fmt::format(
        "store: {:?}: no such directory; `tributary publish` makes a store",
        store));
  }
  return fs::path(store) / kChangesName;
}

absl::StatusOr<std::unique_ptr<ChangeLog>> ChangeWriter::OpenLog() const {
  std::unique_ptr<ChangeFiles> files;
  if (settings_.store().starts_with("s3://")) {
    ASSIGN_OR_RETURN(files,
                     OpenChangeFiles(settings_.store(), {{}, settings_.s3()}));
  } else {
    ASSIGN_OR_RETURN(const fs::path folder, ChangesFolderOf(settings_.store()));
    ASSIGN_OR_RETURN(files, OpenChangeFolder(folder));
  }
  ChangeLog::Signer signer;
  const std::string& key = settings_.sign_key_file();
  if (!key.empty()) {
    signer = [&key](std::string_view text) { return SignManifest(text, key); };
  }
  ASSIGN_OR_RETURN(auto log,
                   ChangeLog::Open(std::move(files), std::move(signer)));
  if (key.empty() && !log->head().signature.empty()) {
    return absl::FailedPreconditionError(fmt::format(
        "{}: the log is signed, and loaders may refuse one that is not: give "
        "the private key (--sign, or changes.sign_key_file of a server)",
        settings_.store()));
  }
  return log;
}

absl::Status ChangeWriter::Write(
    const std::function<absl::Status(ChangeLog*)>& write, absl::Time deadline) {
  for (absl::Duration pause = kFirstPause;;
       pause = std::min(2 * pause, kLongestPause)) {
    absl::Status status;
    {
      const MutexLock lock(&mutex_);
      absl::StatusOr<std::unique_ptr<ChangeLog>> log = OpenLog();
      status = log.ok() ? write(log->get()) : log.status();
    }
    if (!absl::IsUnavailable(status) || absl::Now() + pause >= deadline) {
      return status;
    }
    absl::SleepFor(pause);
  }
}

absl::StatusOr<WrittenChanges> ChangeWriter::Append(
    std::vector<v1::Change> changes, absl::Time deadline) {
  WrittenChanges written;
  RETURN_IF_ERROR(Write(
      [&](ChangeLog* log) {
        written.first = log->head().through + 1;
        absl::Status status = log->Append(changes);
        written.last = log->head().through;
        return status;
      },
      deadline));
  return written;
}

absl::Status ChangeWriter::Compact(absl::Time deadline) {
  return Write([](ChangeLog* log) { return log->Compact(); }, deadline);
}

}  // namespace tributary
