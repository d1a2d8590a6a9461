#include "server/process/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/status/status.h"

namespace tributary {
namespace {

absl::StatusOr<std::string> ReadOpenFile(const std::string& path, int fd) {
  struct stat file {};
  if (fstat(fd, &file) != 0) return absl::ErrnoToStatus(errno, path);
  if (!S_ISREG(file.st_mode)) {
    return absl::InvalidArgumentError(path + ": not a regular file");
  }
  std::string contents;
  char part[4096];
  while (true) {
    const ssize_t size = read(fd, part, sizeof(part));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return absl::ErrnoToStatus(errno, path);
    if (size == 0) return contents;
    contents.append(part, static_cast<size_t>(size));
    if (contents.size() > kMaxSmallFileBytes) {
      return absl::InvalidArgumentError(path + ": larger than 4 MiB");
    }
  }
}

}  // namespace

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  // Without O_NONBLOCK, a named pipe would keep the caller waiting.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return absl::ErrnoToStatus(errno, path);
  absl::StatusOr<std::string> contents = ReadOpenFile(path, fd);
  close(fd);
  return contents;
}

}  // namespace tributary
