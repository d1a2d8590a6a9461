#include "index/bundle/bundle_writer.h"

#include <algorithm>
#include <fstream>
#include <system_error>
#include <utility>

#include "fmt/core.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/time_util.h"
#include "index/bundle/bundle.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/mapped_file.h"
#include "index/bundle/sha256.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

absl::Status WriteFile(const std::filesystem::path& path,
                       std::string_view header,
                       std::span<const std::byte> values) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(header.data(), static_cast<std::streamsize>(header.size()));
  file.write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size()));
  file.close();
  return file ? absl::OkStatus() : SystemError("write", path);
}

absl::StatusOr<v1::FileEntry> Describe(const std::filesystem::path& dir,
                                       const std::string& name) {
  RETURN_IF_ERROR(SyncFile(dir / name));
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(dir / name));
  v1::FileEntry entry;
  entry.set_name(name);
  entry.set_size_bytes(file.bytes().size());
  entry.set_sha256(Sha256Hex(file.bytes()));
  return entry;
}

std::string ManifestJson(const v1::Manifest& manifest) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string json;
  // Fails only for messages with unknown Any types, and a manifest has none.
  (void)google::protobuf::util::MessageToJsonString(manifest, &json, options);
  return json;
}

}  // namespace

BundleWriter::BundleWriter(std::filesystem::path root, uint64_t version,
                           ScratchDirectory scratch)
    : root_(std::move(root)), version_(version), scratch_(std::move(scratch)) {}

absl::StatusOr<BundleWriter> BundleWriter::Create(
    const std::filesystem::path& root, uint64_t version) {
  const auto target = root / fmt::format("{}", version);
  std::error_code error;
  if (std::filesystem::exists(target, error)) {
    return absl::AlreadyExistsError(
        fmt::format("{}: version already exists, and versions are immutable",
                    target.string()));
  }
  std::filesystem::create_directories(root, error);
  if (error) return absl::ErrnoToStatus(error.value(), root.string());
  // A failure to remove leftovers does not affect the build.
  RemoveLeftovers(root).IgnoreError();
  ASSIGN_OR_RETURN(ScratchDirectory scratch,
                   ScratchDirectory::Create(root, kBuilding, version));
  if (!std::filesystem::create_directory(scratch.version_dir(), error)) {
    return absl::ErrnoToStatus(
        error.value(), fmt::format("{}: create", scratch.path().string()));
  }
  return BundleWriter(root, version, std::move(scratch));
}

absl::Status BundleWriter::AddBytes(std::string_view name, Dtype dtype,
                                    std::span<const std::byte> values,
                                    uint64_t columns) {
  const uint64_t elements = values.size() / DtypeSize(dtype);
  const std::string header =
      columns == 0 ? FormatNpyHeader(dtype, 1, elements, 1)
                   : FormatNpyHeader(dtype, 2, elements / columns, columns);
  return AddFile(name, [&](const std::filesystem::path& path) {
    return WriteFile(path, header, values);
  });
}

absl::Status BundleWriter::AddKeys(std::string_view table,
                                   const KeyList& keys) {
  if (keys.kind == v1::UINT64) {
    return AddArray<uint64_t>(fmt::format("{}.keys.npy", table), keys.ids);
  }
  std::string bytes;
  std::vector<uint64_t> offsets = {0};
  for (const std::string& key : keys.strings) {
    bytes += key;
    offsets.push_back(bytes.size());
  }
  RETURN_IF_ERROR(
      AddArray<uint64_t>(fmt::format("{}.keys.offsets.npy", table), offsets));
  return AddFile(fmt::format("{}.keys.utf8", table),
                 [&](const std::filesystem::path& path) {
                   return WriteFile(path, bytes, {});
                 });
}

absl::Status BundleWriter::AddFile(
    std::string_view name,
    const std::function<absl::Status(const std::filesystem::path&)>& write) {
  RETURN_IF_ERROR(write(scratch_.version_dir() / name));
  names_.emplace_back(name);
  return absl::OkStatus();
}

absl::StatusOr<std::filesystem::path> BundleWriter::Finish(
    v1::Manifest manifest, const Check& check) {
  manifest.set_format(kBundleFormat);
  manifest.set_version(version_);
  *manifest.mutable_created_at() =
      google::protobuf::util::TimeUtil::GetCurrentTime();
  manifest.clear_files();
  std::sort(names_.begin(), names_.end());
  const std::filesystem::path dir = scratch_.version_dir();
  for (const std::string& name : names_) {
    ASSIGN_OR_RETURN(*manifest.add_files(), Describe(dir, name));
  }
  RETURN_IF_ERROR(
      WriteFileDurably(dir / kManifestName, ManifestJson(manifest)));
  if (check) RETURN_IF_ERROR(check(dir));
  const auto target = root_ / fmt::format("{}", version_);
  RETURN_IF_ERROR(RenameDurably(dir, target));
  return target;
}

}  // namespace tributary
