#ifndef TRIBUTARY_INDEX_BUNDLE_FILE_LOCK_H_
#define TRIBUTARY_INDEX_BUNDLE_FILE_LOCK_H_

#include <filesystem>
#include <utility>

#include "absl/status/statusor.h"

namespace tributary {

// An exclusive flock(2) on a file. It is held until the object is destroyed or
// the process ends, even if it is killed. The file is not removed. The lock is
// not inherited by programs that the process starts.
class FileLock {
 public:
  // Creates the file if it does not exist. Never waits. UNAVAILABLE when the
  // lock is held, by this process or another, or the file was just removed.
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
