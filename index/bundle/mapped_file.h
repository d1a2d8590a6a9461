#ifndef TRIBUTARY_INDEX_BUNDLE_MAPPED_FILE_H_
#define TRIBUTARY_INDEX_BUNDLE_MAPPED_FILE_H_

#include <cstddef>
#include <filesystem>
#include <span>
#include <utility>

#include "absl/status/statusor.h"

namespace tributary {

// A file mapped for reading. Movable; a view of its bytes is valid until the
// object that it was last moved to is destroyed. Const methods are thread-safe.
class MappedFile {
 public:
  // Maps a whole regular file, which may be empty. Errors: those of open(2) and
  // mmap(2), naming the path; FAILED_PRECONDITION when the path is not a
  // regular file.
  static absl::StatusOr<MappedFile> Open(const std::filesystem::path& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept
      : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::span<const std::byte> bytes_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_MAPPED_FILE_H_
