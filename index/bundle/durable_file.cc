#include "index/bundle/durable_file.h"

#include <fcntl.h>
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
  // The process id keeps two writers apart; the last rename wins.
  const std::filesystem::path scratch =
      path.parent_path() /
      fmt::format(".{}.{}", path.filename().string(), ::getpid());
  const int fd =
      ::open(scratch.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return SystemError("open", scratch);
  absl::Status status = WriteAll(fd, contents, scratch);
  if (::close(fd) != 0 && status.ok()) status = SystemError("close", scratch);
  if (status.ok()) status = RenameDurably(scratch, path);
  if (!status.ok()) ::unlink(scratch.c_str());
  return status;
}

absl::Status RenameDurably(const std::filesystem::path& from,
                           const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return SystemError("rename", to);
  return SyncDirectory(to.parent_path());
}

}  // namespace tributary
