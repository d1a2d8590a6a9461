#include "index/bundle/version_reservation.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <limits>
#include <set>
#include <string>
#include <system_error>

#include "fmt/core.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/version_directory.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// An exclusive flock(2) on a directory itself, which leaves no file.
class DirectoryLock {
 public:
  static absl::StatusOr<DirectoryLock> Wait(const std::filesystem::path& dir) {
    DirectoryLock lock(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (lock.fd_ < 0) return SystemError("open", dir);
    while (::flock(lock.fd_, LOCK_EX) != 0) {
      if (errno != EINTR) return SystemError("flock", dir);
    }
    return lock;
  }
  DirectoryLock(DirectoryLock&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)) {}
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

// The versions that are reserved in `root`, where no leftovers are.
std::set<uint64_t> Reserved(const std::filesystem::path& root) {
  std::set<uint64_t> versions;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(root, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(kReserved)) continue;
    uint64_t version = 0;
    std::from_chars(name.data() + kReserved.size(), name.data() + name.size(),
                    version);
    versions.insert(version);
  }
  return versions;
}

absl::StatusOr<uint64_t> ChooseVersion(const std::filesystem::path& root,
                                       const std::set<uint64_t>& reserved) {
  ASSIGN_OR_RETURN(const uint64_t next, NextVersion(root));
  if (reserved.empty() || *reserved.rbegin() < next) return next;
  if (*reserved.rbegin() == std::numeric_limits<uint64_t>::max()) {
    return absl::OutOfRangeError(fmt::format(
        "{}: another program is making version {}, above which there is no "
        "number: give the version's number with --version",
        root.string(), *reserved.rbegin()));
  }
  return *reserved.rbegin() + 1;
}

}  // namespace

absl::StatusOr<VersionReservation> VersionReservation::Take(
    const std::filesystem::path& root, uint64_t version) {
  std::error_code error;
  std::filesystem::create_directories(root, error);
  if (error) {
    return absl::ErrnoToStatus(error.value(), root.string() + ": create");
  }
  ASSIGN_OR_RETURN(const DirectoryLock lock, DirectoryLock::Wait(root));
  // What cannot be removed is no reason not to work.
  RemoveLeftovers(root).IgnoreError();
  const std::set<uint64_t> reserved = Reserved(root);
  if (version == 0) {
    ASSIGN_OR_RETURN(version, ChooseVersion(root, reserved));
  } else if (reserved.contains(version)) {
    return absl::AlreadyExistsError(
        fmt::format("{}: another program is making this version",
                    VersionPath(root, version).string()));
  }
  if (std::filesystem::exists(VersionPath(root, version), error)) {
    return absl::AlreadyExistsError(
        fmt::format("{}: version already exists, and versions are immutable",
                    VersionPath(root, version).string()));
  }
  ASSIGN_OR_RETURN(ScratchDirectory scratch,
                   ScratchDirectory::Create(root, kReserved, version));
  return VersionReservation(version, std::move(scratch));
}

}  // namespace tributary
