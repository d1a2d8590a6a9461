#ifndef TRIBUTARY_INDEX_BUNDLE_FILE_LOCK_H_
#define TRIBUTARY_INDEX_BUNDLE_FILE_LOCK_H_

#include <filesystem>
#include <utility>

#include "absl/status/statusor.h"

namespace tributary {

// An exclusive flock(2), held until destruction or the end of the process,
// however that ends. The file stays. Movable; not for sharing with children.
class FileLock {
 public:
  // Creates the file if need be; never waits. UNAVAILABLE when somebody, this
  // process included, holds the lock, or has just removed the file.
  static absl::StatusOr<FileLock> TryAcquire(const std::filesystem::path& path);

  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_FILE_LOCK_H_
