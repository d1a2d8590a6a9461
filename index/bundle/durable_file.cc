#include "index/bundle/durable_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "absl/strings/string_view.h"
#include "fmt/core.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

absl::Status SyncPath(const std::filesystem::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return SystemError("open", path);
  const int failed = ::fsync(fd);
  const int sync_errno = errno;
  ::close(fd);
  errno = sync_errno;
  return failed ? SystemError("fsync", path) : absl::OkStatus();
}

absl::Status WriteAll(int fd, std::string_view contents,
                      const std::filesystem::path& path) {
  while (!contents.empty()) {
    const ssize_t written = ::write(fd, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("write", path);
    contents.remove_prefix(static_cast<size_t>(written));
  }
  if (::fsync(fd) != 0) return SystemError("fsync", path);
  return absl::OkStatus();
}

// Whether `path` still names the open file.
bool IsStillAt(int fd, const std::filesystem::path& path) {
  struct stat opened;
  struct stat named;
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// Opens the scratch file, locks it and empties it. All writers of a file use
// the same scratch file, one after another. A killed writer leaves it behind,
// unlocked.
absl::StatusOr<int> OpenScratch(const std::filesystem::path& scratch) {
  for (;;) {
    const int fd =
        ::open(scratch.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return SystemError("open", scratch);
    int failed = ::flock(fd, LOCK_EX);
    while (failed && errno == EINTR) failed = ::flock(fd, LOCK_EX);
    // The writer that held the lock has renamed or removed this file: try the
    // one that has its name now.
    if (!failed && !IsStillAt(fd, scratch)) {
      ::close(fd);
      continue;
    }
    if (!failed) failed = ::ftruncate(fd, 0);
    if (!failed) return fd;
    const absl::Status status = SystemError("lock", scratch);
    ::close(fd);
    return status;
  }
}

}  // namespace

absl::Status SystemError(std::string_view what,
                         const std::filesystem::path& path) {
  return absl::ErrnoToStatus(errno, fmt::format("{}: {}", path.string(), what));
}

absl::Status SyncFile(const std::filesystem::path& path) {
  return SyncPath(path, O_RDONLY);
}

absl::Status SyncDirectory(const std::filesystem::path& path) {
  return SyncPath(path, O_RDONLY | O_DIRECTORY);
}

absl::Status WriteFileDurably(const std::filesystem::path& path,
                              std::string_view contents) {
  const std::filesystem::path scratch =
      path.parent_path() / fmt::format(".{}.new", path.filename().string());
  ASSIGN_OR_RETURN(const int fd, OpenScratch(scratch));
  absl::Status status = WriteAll(fd, contents, scratch);
  if (status.ok()) status = RenameDurably(scratch, path);
  // Only while the name is this writer's: the file may have been renamed, and
  // another writer may have created a new one.
  if (!status.ok() && IsStillAt(fd, scratch)) ::unlink(scratch.c_str());
  // Closing releases the lock.
  if (::close(fd) != 0 && status.ok()) status = SystemError("close", path);
  return status;
}

absl::Status RenameDurably(const std::filesystem::path& from,
                           const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return SystemError("rename", to);
  return SyncDirectory(to.parent_path());
}

}  // namespace tributary
