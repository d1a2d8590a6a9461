#include "index/bundle/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fmt/core.h"
#include "index/bundle/durable_file.h"

namespace tributary {
namespace {

absl::StatusOr<std::span<const std::byte>> MapDescriptor(
    int fd, const std::filesystem::path& path) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return SystemError("fstat", path);
  if (!S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError(
        fmt::format("{}: not a regular file", path.string()));
  }
  const auto size = static_cast<size_t>(info.st_size);
  // mmap refuses a length of 0.
  if (size == 0) return std::span<const std::byte>();
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (start == MAP_FAILED) return SystemError("mmap", path);
  return std::span(static_cast<const std::byte*>(start), size);
}

}  // namespace

absl::StatusOr<MappedFile> MappedFile::Open(const std::filesystem::path& path) {
  // O_NONBLOCK, so that opening a named pipe does not hang.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return SystemError("open", path);
  auto bytes = MapDescriptor(fd, path);
  ::close(fd);
  if (!bytes.ok()) return bytes.status();
  return MappedFile(*bytes);
}

MappedFile::~MappedFile() {
  if (bytes_.empty()) return;
  ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace tributary
