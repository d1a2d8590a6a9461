#ifndef TRIBUTARY_INDEX_BUNDLE_SCRATCH_DIRECTORY_H_
#define TRIBUTARY_INDEX_BUNDLE_SCRATCH_DIRECTORY_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "index/bundle/file_lock.h"

namespace tributary {

// The prefixes of scratch directories' names: a version that is being built,
// one that is being copied or downloaded, one that is being deleted, one that
// is built to be judged, and one whose number is taken (version_reservation.h).
inline constexpr std::string_view kBuilding = ".building-";
inline constexpr std::string_view kIncoming = ".incoming-";
inline constexpr std::string_view kRemoved = ".removed-";
inline constexpr std::string_view kValidation = ".validation-";
inline constexpr std::string_view kReserved = ".reserved-";

// A hidden directory <root>/<prefix><version>-<pid>-<n>/ that holds a version
// before it appears in root, or while it is deleted:
//
//   lock        locked by the process that uses the directory
//   <version>/  the version's files; see version_dir()
//
// A directory whose lock is free is a leftover of a process that was killed;
// RemoveLeftovers removes it, and AdoptOrCreate may continue it. The destructor
// removes the directory and everything in it. Movable; not thread-safe.
class ScratchDirectory {
 public:
  // Creates an empty directory, locked. RESOURCE_EXHAUSTED when a thousand
  // names are taken; errors of the system.
  static absl::StatusOr<ScratchDirectory> Create(
      const std::filesystem::path& root, std::string_view prefix,
      uint64_t version);
  // Takes over a leftover of this prefix and version, with its files, or else
  // creates a directory.
  static absl::StatusOr<ScratchDirectory> AdoptOrCreate(
      const std::filesystem::path& root, std::string_view prefix,
      uint64_t version);

  ScratchDirectory(ScratchDirectory&& other) noexcept
      : path_(std::exchange(other.path_, {})),
        version_(other.version_),
        lock_(std::move(other.lock_)) {}
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory();

  const std::filesystem::path& path() const { return path_; }
  // The path of the version's directory, which Create does not create.
  std::filesystem::path version_dir() const;
  // Keeps the directory as a leftover, to be adopted or removed later.
  void Abandon() &&;

 private:
  ScratchDirectory(std::filesystem::path path, uint64_t version, FileLock lock);

  std::filesystem::path path_;
  uint64_t version_ = 0;
  FileLock lock_;
};

// Removes the leftovers of builds, copies and deletions in `root`, except the
// incoming files of version `but_incoming`. Directories that a process has
// locked are not touched. Validation bundles of programs before 0.1.0
// (.trial-<version>-<pid>) have no lock: they are not touched while this host
// runs a process of that id. Continues after an error and returns the first
// one.
absl::Status RemoveLeftovers(const std::filesystem::path& root,
                             uint64_t but_incoming = 0);

// Removes the scratch directories that this process holds, for a program that
// a signal ends. Their objects must not be used afterwards, and making another
// one is CANCELLED. Thread-safe.
void RemoveOwnScratchDirectories();

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_SCRATCH_DIRECTORY_H_
