#include "index/bundle/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "index/bundle/durable_file.h"

namespace tributary {
namespace {

// Whether `path` still names the open file.
bool IsAt(int fd, const std::filesystem::path& path) {
  struct stat open_file;
  struct stat found;
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &found) == 0 &&
         open_file.st_ino == found.st_ino && open_file.st_dev == found.st_dev;
}

}  // namespace

absl::StatusOr<FileLock> FileLock::TryAcquire(
    const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return SystemError("open", path);
  const bool locked = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  if (locked && IsAt(fd, path)) return FileLock(fd);
  const int lock_errno = locked ? EWOULDBLOCK : errno;
  ::close(fd);
  if (lock_errno == EWOULDBLOCK) {
    return absl::UnavailableError(path.string() + ": the lock is held");
  }
  errno = lock_errno;
  return SystemError("flock", path);
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace tributary
