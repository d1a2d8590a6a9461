#include "index/publish/version_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "fmt/core.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/key_table.h"

namespace tributary {

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
  const ssize_t size = ::read(fd, buffer.data(), buffer.size());
  const int read_errno = errno;
  ::close(fd);
  errno = read_errno;
  if (size < 0) return SystemError("read", path);
  std::string_view text(buffer.data(), static_cast<size_t>(size));
  if (text.ends_with('\n')) text.remove_suffix(1);
  uint64_t version = 0;
  if (ParseDecimalKey(text, &version) && version > 0) return version;
  return absl::DataLossError(fmt::format(
      "{}: expected one version number, found {:?}", path.string(), text));
}

absl::Status WriteVersionFile(const std::filesystem::path& path,
                              uint64_t version) {
  return WriteFileDurably(path, fmt::format("{}\n", version));
}

}  // namespace tributary
