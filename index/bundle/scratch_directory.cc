#include "index/bundle/scratch_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <mutex>
#include <set>
#include <string>
#include <system_error>

#include "fmt/core.h"
#include "index/bundle/durable_file.h"

namespace tributary {
namespace {

constexpr char kLockName[] = "lock";
// In the name of a scratch directory that is being removed.
constexpr char kGoing[] = ".going-";
// Only other hosts or containers with the same process id take names.
constexpr int kMaxNames = 1000;

// Directories of validation bundles as programs before 0.1.0 named them.
constexpr std::string_view kOldValidation = ".trial-";

// Whether the process that is named at the end of an old validation bundle's
// directory may still be running.
bool MayBeInUse(const std::string& old_name) {
  int pid = 0;
  const size_t begin = old_name.rfind('-') + 1;
  std::from_chars(old_name.data() + begin, old_name.data() + old_name.size(),
                  pid);
  return pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM);
}

bool IsScratchName(const std::string& name) {
  return name.starts_with(kBuilding) || name.starts_with(kIncoming) ||
         name.starts_with(kRemoved) || name.starts_with(kValidation) ||
         name.starts_with(kReserved) ||
         (name.starts_with(kOldValidation) &&
          (name.find(kGoing) != std::string::npos || !MayBeInUse(name)));
}

// The common beginning of the names of scratch directories of a version.
std::string Stem(std::string_view prefix, uint64_t version) {
  return fmt::format("{}{}-", prefix, version);
}

// Removes a directory whose lock this process holds. Renames it first: as soon
// as the lock file is removed, another process could lock or create one under
// the old name.
absl::Status RemoveAside(const std::filesystem::path& dir) {
  static std::atomic<int> number = 0;
  const std::string name = dir.filename().string();
  const std::filesystem::path going =
      dir.parent_path() / fmt::format("{}{}{}-{}",
                                      name.substr(0, name.find(kGoing)), kGoing,
                                      ::getpid(), ++number);
  std::error_code error;
  std::filesystem::rename(dir, going, error);
  if (!error) std::filesystem::remove_all(going, error);
  if (!error) return absl::OkStatus();
  return absl::ErrnoToStatus(error.value(), dir.string() + ": remove");
}

absl::Status RemoveIfFree(const std::filesystem::path& dir) {
  const auto lock = FileLock::TryAcquire(dir / kLockName);
  // In use, or removed by another process.
  if (absl::IsUnavailable(lock.status()) || absl::IsNotFound(lock.status())) {
    return absl::OkStatus();
  }
  if (!lock.ok()) return lock.status();
  return RemoveAside(dir);
}

// The scratch directories of this process that are to be removed.
struct OwnDirectories {
  std::mutex mutex;
  std::set<std::filesystem::path> paths;
  // Whether they have been removed because the process ends: no more are made.
  bool ended = false;
};
OwnDirectories& Own() {
  static auto* const own = new OwnDirectories;
  return *own;
}

// Creates the directory and notes it in one step, so that a process that ends
// in between does not leave it. 0, or an errno.
int MakeOwn(const std::filesystem::path& path) {
  OwnDirectories& own = Own();
  const std::lock_guard lock(own.mutex);
  if (own.ended) return ECANCELED;
  if (::mkdir(path.c_str(), 0777) != 0) return errno;
  own.paths.insert(path);
  return 0;
}

void Disown(const std::filesystem::path& path) {
  OwnDirectories& own = Own();
  const std::lock_guard lock(own.mutex);
  own.paths.erase(path);
}

}  // namespace

ScratchDirectory::ScratchDirectory(std::filesystem::path path, uint64_t version,
                                   FileLock lock)
    : path_(std::move(path)), version_(version), lock_(std::move(lock)) {
  OwnDirectories& own = Own();
  const std::lock_guard guard(own.mutex);
  own.paths.insert(path_);
}

void ScratchDirectory::Abandon() && {
  Disown(path_);
  path_.clear();
}

absl::StatusOr<ScratchDirectory> ScratchDirectory::Create(
    const std::filesystem::path& root, std::string_view prefix,
    uint64_t version) {
  for (int n = 0; n < kMaxNames; ++n) {
    std::filesystem::path path =
        root / fmt::format("{}{}-{}", Stem(prefix, version), ::getpid(), n);
    if (const int error = MakeOwn(path); error != 0) {
      if (error == EEXIST) continue;
      return absl::ErrnoToStatus(error, path.string() + ": mkdir");
    }
    auto lock = FileLock::TryAcquire(path / kLockName);
    if (lock.ok()) {
      return ScratchDirectory(std::move(path), version, *std::move(lock));
    }
    Disown(path);
    // Another process took the directory for a leftover between the two calls.
    if (absl::IsUnavailable(lock.status()) || absl::IsNotFound(lock.status())) {
      continue;
    }
    return lock.status();
  }
  return absl::ResourceExhaustedError(
      fmt::format("{}: {} directories named {}{}-* already exist",
                  root.string(), kMaxNames, Stem(prefix, version), ::getpid()));
}

absl::StatusOr<ScratchDirectory> ScratchDirectory::AdoptOrCreate(
    const std::filesystem::path& root, std::string_view prefix,
    uint64_t version) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(root, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(Stem(prefix, version))) continue;
    auto lock = FileLock::TryAcquire(entry->path() / kLockName);
    if (!lock.ok()) continue;
    return ScratchDirectory(entry->path(), version, *std::move(lock));
  }
  return Create(root, prefix, version);
}

ScratchDirectory::~ScratchDirectory() {
  if (path_.empty()) return;
  RemoveAside(path_).IgnoreError();
  Disown(path_);
}

std::filesystem::path ScratchDirectory::version_dir() const {
  return path_ / fmt::format("{}", version_);
}

absl::Status RemoveLeftovers(const std::filesystem::path& root,
                             uint64_t but_incoming) {
  absl::Status first_error;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(root, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!IsScratchName(name) ||
        name.starts_with(Stem(kIncoming, but_incoming))) {
      continue;
    }
    first_error.Update(RemoveIfFree(entry->path()));
  }
  if (error) {
    first_error.Update(
        absl::ErrnoToStatus(error.value(), root.string() + ": list"));
  }
  return first_error;
}

void RemoveOwnScratchDirectories() {
  OwnDirectories& own = Own();
  const std::lock_guard lock(own.mutex);
  for (const std::filesystem::path& path : own.paths) {
    RemoveAside(path).IgnoreError();
  }
  own.paths.clear();
  own.ended = true;
}

}  // namespace tributary
