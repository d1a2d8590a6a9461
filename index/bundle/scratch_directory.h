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

// Why a version is out of sight: the beginning of the directory's name.
inline constexpr std::string_view kBuilding = ".building-";
inline constexpr std::string_view kIncoming = ".incoming-";
inline constexpr std::string_view kRemoved = ".removed-";
inline constexpr std::string_view kValidation = ".validation-";

// A hidden directory <root>/<prefix><version>-<pid>-<n>/ in which a version is
// made before it appears in root, or goes to be deleted. Its maker holds the
// lock of the file `lock` in it: one whose lock is free is a leftover, whoever
// made it (see RemoveLeftovers). Destruction removes it and what is in it.
class ScratchDirectory {
 public:
  static absl::StatusOr<ScratchDirectory> Create(
      const std::filesystem::path& root, std::string_view prefix,
      uint64_t version);
  // A leftover of that kind and version, with what is in it; else as Create.
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
  // Where the version's directory belongs. Create does not make it.
  std::filesystem::path version_dir() const;
  // Makes it a leftover, to be adopted or removed by others.
  void Abandon() && { path_.clear(); }

 private:
  ScratchDirectory(std::filesystem::path path, uint64_t version, FileLock lock)
      : path_(std::move(path)), version_(version), lock_(std::move(lock)) {}

  std::filesystem::path path_;
  uint64_t version_ = 0;
  FileLock lock_;
};

// Removes what builds, copies and removals that were cut off left in hidden
// directories, except incoming files of version `but_incoming`. One is left
// alone while the process that made it holds its lock. Validation bundles of
// programs before 1.0 (.trial-<version>-<pid>) have no lock: they are left
// alone while this host runs a process of that id.
absl::Status RemoveLeftovers(const std::filesystem::path& root,
                             uint64_t but_incoming = 0);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_SCRATCH_DIRECTORY_H_
