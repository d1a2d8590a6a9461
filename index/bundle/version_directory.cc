#include "index/bundle/version_directory.h"

#include <algorithm>
#include <string>
#include <system_error>

#include "fmt/core.h"
#include "index/bundle/bundle.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/scratch_directory.h"
#include "index/bundle/version_file.h"
#include "status/status_macros.h"

namespace tributary {
absl::StatusOr<uint64_t> ReadCurrent(const std::filesystem::path& root) {
  return ReadVersionFile(root / kCurrentName);
}

absl::Status WriteCurrent(const std::filesystem::path& root, uint64_t version) {
  return WriteVersionFile(root / kCurrentName, version);
}

absl::StatusOr<std::vector<uint64_t>> ListVersions(
    const std::filesystem::path& root) {
  std::vector<uint64_t> versions;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(root, error), end;
       !error && entry != end; entry.increment(error)) {
    uint64_t version = 0;
    std::error_code no_manifest;
    if (ParseDecimalKey(entry->path().filename().string(), &version) &&
        version > 0 &&
        std::filesystem::is_regular_file(entry->path() / kManifestName,
                                         no_manifest)) {
      versions.push_back(version);
    }
  }
  if (error) {
    return absl::ErrnoToStatus(error.value(), root.string() + ": list");
  }
  std::sort(versions.begin(), versions.end());
  return versions;
}

absl::StatusOr<uint64_t> NextVersion(const std::filesystem::path& root) {
  std::error_code ignored;
  std::filesystem::create_directories(root, ignored);
  ASSIGN_OR_RETURN(const auto versions, ListVersions(root));
  return versions.empty() ? 1 : versions.back() + 1;
}

std::filesystem::path VersionPath(const std::filesystem::path& root,
                                  uint64_t version) {
  return root / fmt::format("{}", version);
}

absl::Status RemoveVersion(const std::filesystem::path& root,
                           uint64_t version) {
  const auto dir = VersionPath(root, version);
  std::error_code error;
  if (!std::filesystem::exists(dir, error)) {
    return absl::NotFoundError(dir.string() + ": no such version");
  }
  ASSIGN_OR_RETURN(const ScratchDirectory scratch,
                   ScratchDirectory::Create(root, kRemoved, version));
  if (std::filesystem::rename(dir, scratch.version_dir(), error); error) {
    return absl::ErrnoToStatus(error.value(), dir.string() + ": rename");
  }
  // The renaming is durable before the first file is deleted.
  return SyncDirectory(root);
}

}  // namespace tributary
