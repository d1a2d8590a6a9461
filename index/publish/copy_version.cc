// How a version gets from one directory to another, and nobody sees half.
#include <string>
#include <string_view>
#include <system_error>

#include "fmt/core.h"
#include "index/bundle/bundle.h"
#include "index/bundle/durable_file.h"
#include "index/publish/scratch_directory.h"
#include "index/publish/store.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr char kSignatureName[] = "manifest.sig";

absl::Status CopyFile(const std::filesystem::path& from_dir,
                      const std::filesystem::path& to_dir,
                      const std::string& name) {
  std::error_code error;
  // A link could lead anywhere, and to something else tomorrow.
  if (!std::filesystem::is_regular_file(
          std::filesystem::symlink_status(from_dir / name, error))) {
    return absl::DataLossError(
        fmt::format("{}: not a regular file", (from_dir / name).string()));
  }
  std::filesystem::copy_file(from_dir / name, to_dir / name, error);
  if (error) {
    return absl::ErrnoToStatus(
        error.value(), fmt::format("{}: copy to {}", (from_dir / name).string(),
                                   to_dir.string()));
  }
  return SyncFile(to_dir / name);
}

// The manifest goes last: with it, the directory is a bundle.
absl::Status CopyFiles(const Bundle& bundle,
                       const std::filesystem::path& to_dir) {
  std::error_code error;
  if (!std::filesystem::create_directory(to_dir, error)) {
    return absl::ErrnoToStatus(error.value(), to_dir.string() + ": create");
  }
  for (const v1::FileEntry& file : bundle.manifest().files()) {
    RETURN_IF_ERROR(CopyFile(bundle.dir(), to_dir, file.name()));
  }
  if (std::filesystem::exists(bundle.dir() / kSignatureName, error)) {
    RETURN_IF_ERROR(CopyFile(bundle.dir(), to_dir, kSignatureName));
  }
  RETURN_IF_ERROR(CopyFile(bundle.dir(), to_dir, kManifestName));
  return SyncDirectory(to_dir);
}

// What a bundle's error says of the copy is said of its source as well.
absl::Status About(const std::filesystem::path& dir,
                   const absl::Status& status) {
  const absl::string_view message = status.message();
  return {status.code(),
          fmt::format("{}: {}", dir.string(),
                      std::string_view(message.data(), message.size()))};
}

// ALREADY_EXISTS unless the two are one version.
absl::Status CheckSameManifest(const std::filesystem::path& source,
                               const std::filesystem::path& target) {
  ASSIGN_OR_RETURN(const std::string source_hash, ManifestSha256(source));
  const auto target_hash = ManifestSha256(target);
  if (target_hash.ok() && *target_hash == source_hash) return absl::OkStatus();
  return absl::AlreadyExistsError(fmt::format(
      "{}: versions are immutable, and this one is there with {}",
      target.string(), target_hash.ok() ? "another manifest" : "no manifest"));
}

}  // namespace

absl::Status CopyVersion(const std::filesystem::path& bundle_dir,
                         const std::filesystem::path& root) {
  std::error_code error;
  const auto source = std::filesystem::canonical(bundle_dir, error);
  if (error) return absl::ErrnoToStatus(error.value(), bundle_dir.string());
  const auto bundle = Bundle::Open(source);
  if (!bundle.ok()) return About(source, bundle.status());
  const uint64_t version = (*bundle)->version();
  const std::string name = fmt::format("{}", version);
  if (source.filename() != name) {
    return absl::DataLossError(fmt::format(
        "{}: the manifest's version is {}; the directory's name must be the "
        "same",
        source.string(), version));
  }
  std::filesystem::create_directories(root, error);
  if (error) return absl::ErrnoToStatus(error.value(), root.string());
  const auto target = root / name;
  if (std::filesystem::exists(target, error)) {
    return CheckSameManifest(source, target);
  }
  ASSIGN_OR_RETURN(const ScratchDirectory scratch,
                   ScratchDirectory::Create(root, kIncoming, version));
  RETURN_IF_ERROR(CopyFiles(**bundle, scratch.version_dir()));
  if (absl::Status status = VerifyVersion(scratch.version_dir());
      !status.ok()) {
    return About(source, status);
  }
  absl::Status renamed = RenameDurably(scratch.version_dir(), target);
  // Somebody else may have brought the version in the meantime.
  if (!renamed.ok() && std::filesystem::exists(scratch.version_dir(), error) &&
      std::filesystem::exists(target, error)) {
    return CheckSameManifest(source, target);
  }
  return renamed;
}

}  // namespace tributary
