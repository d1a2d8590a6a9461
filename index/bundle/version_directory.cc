#include "index/bundle/version_directory.h"

#include <algorithm>
#include <limits>
#include <string>
#include <system_error>

#include "fmt/core.h"
#include "index/bundle/bundle.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/scratch_directory.h"
#include "index/bundle/version_file.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// How many versions a hint names.
constexpr size_t kNamedVersions = 3;

bool HasManifest(const std::filesystem::path& dir) {
  std::error_code error;
  return std::filesystem::is_regular_file(dir / kManifestName, error);
}

bool IsVersionName(const std::string& name, uint64_t* version) {
  return ParseDecimalKey(name, version) && *version > 0;
}

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
    if (IsVersionName(entry->path().filename().string(), &version) &&
        HasManifest(entry->path())) {
      versions.push_back(version);
    }
  }
  if (error) {
    return absl::ErrnoToStatus(error.value(), root.string() + ": list");
  }
  std::sort(versions.begin(), versions.end());
  return versions;
}

std::vector<PassedOver> ListPassedOver(const std::filesystem::path& root) {
  std::vector<PassedOver> passed_over;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(root, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code unreadable;
    if (name.starts_with('.') || !entry->is_directory(unreadable)) continue;
    // Neither is a copy of the log of live changes (index/changes).
    if (name == kItemSetsName || name == "changes") continue;
    uint64_t version = 0;
    if (!IsVersionName(name, &version)) {
      passed_over.push_back(
          {name,
           "a version's directory is named by a whole number from 1 to "
           "18446744073709551615, without leading zeros"});
    } else if (!HasManifest(entry->path())) {
      passed_over.push_back(
          {name, fmt::format("it has no {}: its copy is not complete",
                             kManifestName)});
    }
  }
  std::sort(passed_over.begin(), passed_over.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return passed_over;
}

absl::Status CheckVersionsRoot(std::string_view field,
                               const std::filesystem::path& root) {
  if (!HasManifest(root)) return absl::OkStatus();
  std::error_code error;
  auto dir = std::filesystem::absolute(root, error).lexically_normal();
  // "b/1/" ends with an empty name.
  if (!dir.has_filename()) dir = dir.parent_path();
  return absl::InvalidArgumentError(fmt::format(
      "{}: {} is one bundle, for it has a {}; expected the directory that "
      "holds the versions: {}",
      field, root.string(), kManifestName, dir.parent_path().string()));
}

std::string HintOfVersions(const std::filesystem::path& dir) {
  if (HasManifest(dir)) return "";
  const auto versions = ListVersions(dir);
  if (!versions.ok() || versions->empty()) return "";
  std::string names;
  const size_t first =
      versions->size() - std::min(versions->size(), kNamedVersions);
  for (size_t i = first; i < versions->size(); ++i) {
    names += fmt::format("{}{}", i == first ? "" : ", ", (*versions)[i]);
  }
  return fmt::format(
      "{} is not a bundle but holds {} version{} ({}{}): give one of them, "
      "such as {}",
      dir.string(), versions->size(), versions->size() == 1 ? "" : "s",
      first > 0 ? "..., " : "", names,
      VersionPath(dir, versions->back()).string());
}

absl::StatusOr<uint64_t> NextVersion(const std::filesystem::path& root) {
  std::error_code ignored;
  std::filesystem::create_directories(root, ignored);
  ASSIGN_OR_RETURN(const auto versions, ListVersions(root));
  if (versions.empty()) return 1;
  if (versions.back() == std::numeric_limits<uint64_t>::max()) {
    return absl::OutOfRangeError(fmt::format(
        "{}: it holds version {}, above which there is no number: give the "
        "version's number with --version, or use another directory",
        root.string(), versions.back()));
  }
  return versions.back() + 1;
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
