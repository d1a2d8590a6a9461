#include "index/publish/store.h"

#include <algorithm>
#include <string>
#include <system_error>

#include "fmt/core.h"
#include "index/bundle/bundle.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/mapped_file.h"
#include "index/bundle/sha256.h"
#include "index/publish/scratch_directory.h"
#include "index/publish/version_file.h"
#include "index/search/vector_index.h"
#include "index/tower/user_tower.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr char kCurrentName[] = "CURRENT";

}  // namespace

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

absl::StatusOr<std::string> ManifestSha256(
    const std::filesystem::path& bundle_dir) {
  ASSIGN_OR_RETURN(const MappedFile file,
                   MappedFile::Open(bundle_dir / kManifestName));
  return Sha256Hex(file.bytes());
}

absl::StatusOr<uint64_t> NextVersion(const std::filesystem::path& root) {
  std::error_code ignored;
  std::filesystem::create_directories(root, ignored);
  ASSIGN_OR_RETURN(const auto versions, ListVersions(root));
  return versions.empty() ? 1 : versions.back() + 1;
}

absl::Status VerifyVersion(const std::filesystem::path& bundle_dir) {
  RETURN_IF_ERROR(VerifyBundle(bundle_dir));
  ASSIGN_OR_RETURN(const auto bundle, Bundle::Open(bundle_dir));
  RETURN_IF_ERROR(TryTowers(*bundle));
  return TrySearches(*bundle);
}

absl::Status Publish(const std::filesystem::path& bundle_dir,
                     const std::filesystem::path& store) {
  // Not being allowed to tidy up is no reason not to publish.
  RemoveLeftovers(store).IgnoreError();
  RETURN_IF_ERROR(CopyVersion(bundle_dir, store));
  // CopyVersion saw that the name is the manifest's version.
  std::error_code error;
  uint64_t version = 0;
  ParseDecimalKey(
      std::filesystem::canonical(bundle_dir, error).filename().string(),
      &version);
  return WriteCurrent(store, version);
}

absl::Status RemoveVersion(const std::filesystem::path& root,
                           uint64_t version) {
  const auto dir = root / fmt::format("{}", version);
  std::error_code error;
  if (!std::filesystem::exists(dir, error)) {
    return absl::NotFoundError(dir.string() + ": no such version");
  }
  ASSIGN_OR_RETURN(const ScratchDirectory scratch,
                   ScratchDirectory::Create(root, kRemoved, version));
  if (std::filesystem::rename(dir, scratch.version_dir(), error); error) {
    return absl::ErrnoToStatus(error.value(), dir.string() + ": rename");
  }
  // The name is gone for good before the first file is.
  return SyncDirectory(root);
}

}  // namespace tributary
