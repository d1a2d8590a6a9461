#include "index/bundle/version_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string_view>

#include "fmt/core.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/key_table.h"

namespace tributary {
namespace {

// As read(2), but reads less than the buffer's size only at the end of the
// file: after a short read, "1" of "12" would pass for a version.
ssize_t ReadUpTo(int fd, std::span<char> buffer) {
  size_t size = 0;
  while (size < buffer.size()) {
    const ssize_t got = ::read(fd, buffer.data() + size, buffer.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return got;
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  return static_cast<ssize_t>(size);
}

}  // namespace

absl::StatusOr<uint64_t> ReadVersionFile(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const absl::Status status = SystemError("open", path);
    std::error_code error;
    if (absl::IsNotFound(status) &&
        std::filesystem::is_directory(path.parent_path(), error)) {
      return 0;
    }
    return status;
  }
  // Longer than any version.
  std::array<char, 32> buffer{};
  const ssize_t size = ReadUpTo(fd, buffer);
  const int read_errno = errno;
  ::close(fd);
  errno = read_errno;
  if (size < 0) return SystemError("read", path);
  return ParseVersionFile({buffer.data(), static_cast<size_t>(size)},
                          path.string());
}

absl::StatusOr<uint64_t> ParseVersionFile(std::string_view text,
                                          std::string_view what) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  uint64_t version = 0;
  if (ParseDecimalKey(text, &version) && version > 0) return version;
  return absl::DataLossError(
      fmt::format("{}: expected one version number, found {:?}", what, text));
}

absl::Status WriteVersionFile(const std::filesystem::path& path,
                              uint64_t version) {
  return WriteFileDurably(path, fmt::format("{}\n", version));
}

}  // namespace tributary
