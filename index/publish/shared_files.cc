#include "index/publish/shared_files.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string_view>
#include <system_error>

#include "index/bundle/bundle.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/mapped_file.h"
#include "index/bundle/sha256.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// Makes a copy that shares its blocks until one of the two is written, if the
// file system supports that.
bool Clone(const fs::path& from, const fs::path& to) {
  const int source = ::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (source < 0) return false;
  const int target =
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  const bool cloned = target >= 0 && ::ioctl(target, FICLONE, source) == 0;
  if (target >= 0) ::close(target);
  ::close(source);
  return cloned;
}

bool Copy(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::remove(to, error);
  if (Clone(from, to)) return true;
  return fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
}

bool CopyDurably(const fs::path& from, const fs::path& to,
                 const fs::path& scratch) {
  std::error_code error;
  if (Copy(from, scratch) && SyncFile(scratch).ok()) {
    fs::rename(scratch, to, error);
    if (!error) return true;
  }
  fs::remove(scratch, error);
  return false;
}

}  // namespace

bool HasContent(const fs::path& path, const v1::FileEntry& file) {
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(path, error)) ||
      fs::file_size(path, error) != file.size_bytes()) {
    return false;
  }
  const auto mapped = MappedFile::Open(path);
  return mapped.ok() && Sha256Hex(mapped->bytes()) == file.sha256();
}

SharedFiles::SharedFiles(const fs::path& root) {
  const auto versions = ListVersions(root);
  if (!versions.ok()) return;
  for (const uint64_t version : *versions) {
    const fs::path dir = VersionPath(root, version);
    const auto json = MappedFile::Open(dir / kManifestName);
    if (!json.ok()) continue;
    const auto manifest =
        ParseManifest({reinterpret_cast<const char*>(json->bytes().data()),
                       json->bytes().size()});
    if (!manifest.ok()) continue;
    for (const v1::FileEntry& file : manifest->files()) {
      paths_[file.sha256()].push_back(dir / file.name());
    }
  }
}

bool SharedFiles::Has(const v1::FileEntry& file) const {
  return paths_.contains(file.sha256());
}

bool SharedFiles::Share(const v1::FileEntry& file, const fs::path& to,
                        const fs::path& scratch) const {
  const auto paths = paths_.find(file.sha256());
  if (paths == paths_.end()) return false;
  for (const fs::path& from : paths->second) {
    std::error_code error;
    if (!fs::is_regular_file(fs::symlink_status(from, error))) continue;
    if (::link(from.c_str(), to.c_str()) != 0 &&
        !CopyDurably(from, to, scratch)) {
      continue;
    }
    // Checks the new file, as `from` may have changed meanwhile.
    if (HasContent(to, file)) return true;
    fs::remove(to, error);
  }
  return false;
}

}  // namespace tributary
