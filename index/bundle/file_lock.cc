#include "index/bundle/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "index/bundle/durable_file.h"

namespace tributary {

absl::StatusOr<FileLock> FileLock::TryAcquire(
    const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return SystemError("open", path);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return FileLock(fd);
  const int lock_errno = errno;
  ::close(fd);
  if (lock_errno == EWOULDBLOCK) {
    return absl::UnavailableError(path.string() + ": locked by somebody else");
  }
  errno = lock_errno;
  return SystemError("flock", path);
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace tributary
