#include "index/publish/directory_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "fmt/core.h"
#include "index/bundle/bundle.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/key_table.h"
#include "index/bundle/link.h"
#include "index/bundle/scratch_directory.h"
#include "index/publish/fetch_version.h"
#include "index/publish/small_file.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr size_t kCopyChunkBytes = size_t{1} << 20;

// A file descriptor that closes itself.
class OpenFile {
 public:
  // Follows a symbolic link where CheckLink allows it. O_NONBLOCK: does not
  // wait for a named pipe's writer.
  static absl::StatusOr<OpenFile> Open(const std::filesystem::path& path) {
    constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    int fd = ::open(path.c_str(), kFlags | O_NOFOLLOW);
    if (fd < 0 && errno == ELOOP) {
      RETURN_IF_ERROR(CheckLink(path));
      fd = ::open(path.c_str(), kFlags);
    }
    if (fd < 0) return SystemError("open", path);
    OpenFile file(fd);
    struct stat info;
    if (::fstat(fd, &info) != 0) return SystemError("stat", path);
    if (!S_ISREG(info.st_mode)) {
      return absl::DataLossError(path.string() + ": not a regular file");
    }
    file.size_ = static_cast<uint64_t>(info.st_size);
    return file;
  }
  OpenFile(OpenFile&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }

  int fd() const { return fd_; }
  uint64_t size() const { return size_; }

 private:
  explicit OpenFile(int fd) : fd_(fd) {}
  int fd_;
  uint64_t size_ = 0;
};

absl::Status ReadFrom(const OpenFile& file, uint64_t offset,
                      const std::filesystem::path& path, ByteSink* sink,
                      const std::stop_token& stop) {
  RETURN_IF_ERROR(sink->Begin(offset));
  std::vector<std::byte> chunk(
      std::min<uint64_t>(kCopyChunkBytes, file.size() - offset + 1));
  while (true) {
    if (stop.stop_requested()) return absl::CancelledError("stop requested");
    const ssize_t size = ::pread(file.fd(), chunk.data(), chunk.size(),
                                 static_cast<off_t>(offset));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return SystemError("read", path);
    if (size == 0) return absl::OkStatus();
    const auto bytes = static_cast<size_t>(size);
    RETURN_IF_ERROR(sink->Append({chunk.data(), bytes}));
    offset += bytes;
  }
}

}  // namespace

DirectoryStore::DirectoryStore(const std::filesystem::path& root)
    : Store(root.string()), root_(root) {}

absl::StatusOr<uint64_t> DirectoryStore::ReadCurrent(const std::stop_token&) {
  return tributary::ReadCurrent(root_);
}

absl::StatusOr<SignedManifest> DirectoryStore::ReadManifest(
    uint64_t version, const std::stop_token& stop) {
  return ReadSignedManifest([&](const std::string& name, uint64_t max_bytes)
                                -> absl::StatusOr<std::string> {
    SmallFile file((VersionPath(root_, version) / name).string(), max_bytes);
    RETURN_IF_ERROR(ReadFile(version, name, 0, nullptr, &file, stop));
    return std::move(file.contents());
  });
}

absl::Status DirectoryStore::ReadFile(uint64_t version, const std::string& name,
                                      uint64_t offset, std::string*,
                                      ByteSink* sink,
                                      const std::stop_token& stop) {
  const auto path = VersionPath(root_, version) / name;
  ASSIGN_OR_RETURN(const OpenFile file, OpenFile::Open(path));
  if (offset > file.size()) {
    return absl::OutOfRangeError(fmt::format("{}: the file has only {} bytes",
                                             path.string(), file.size()));
  }
  return ReadFrom(file, offset, path, sink, stop);
}

absl::StatusOr<std::string> DirectoryStore::ReadSmallFile(
    const std::string& path, uint64_t max_bytes, const std::stop_token& stop) {
  const auto whole = root_ / path;
  ASSIGN_OR_RETURN(const OpenFile opened, OpenFile::Open(whole));
  SmallFile file(whole.string(), max_bytes);
  RETURN_IF_ERROR(ReadFrom(opened, 0, whole, &file, stop));
  return std::move(file.contents());
}

absl::Status DirectoryStore::WriteSmallFile(const std::string& path,
                                            const std::string& contents) {
  return WriteFileDurably(root_ / path, contents);
}

absl::Status DirectoryStore::PutVersion(
    const std::filesystem::path& bundle_dir,
    const std::optional<std::string>& signature, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(VersionSource source, OpenVersionSource(bundle_dir));
  const uint64_t version = source.version;
  ASSIGN_OR_RETURN(SignedManifest manifest,
                   source.store.ReadManifest(version, stop));
  if (signature) manifest.signature = *signature;
  std::error_code error;
  std::filesystem::create_directories(root_, error);
  if (error) return absl::ErrnoToStatus(error.value(), root_.string());
  // A failure to remove leftovers does not affect publishing.
  RemoveLeftovers(root_).IgnoreError();
  FetchOptions options;
  options.stop = stop;
  RETURN_IF_ERROR(
      FetchVersion(&source.store, version, manifest, root_, options));
  if (!signature) return absl::OkStatus();
  ASSIGN_OR_RETURN(const SignedManifest existing, ReadManifest(version, stop));
  if (existing.signature == signature) return absl::OkStatus();
  return WriteFileDurably(VersionPath(root_, version) / kSignatureName,
                          *signature);
}

absl::Status DirectoryStore::WriteCurrent(uint64_t version) {
  return tributary::WriteCurrent(root_, version);
}

absl::StatusOr<VersionSource> OpenVersionSource(
    const std::filesystem::path& bundle_dir) {
  std::error_code error;
  const auto dir = std::filesystem::canonical(bundle_dir, error);
  if (error) return absl::ErrnoToStatus(error.value(), bundle_dir.string());
  uint64_t version = 0;
  if (const std::string hint = HintOfVersions(dir); !hint.empty()) {
    return absl::NotFoundError(hint);
  }
  if (!ParseDecimalKey(dir.filename().string(), &version) || version == 0) {
    return absl::DataLossError(fmt::format(
        "{}: a bundle's directory must be named by its version", dir.string()));
  }
  return VersionSource{DirectoryStore(dir.parent_path()), version};
}

}  // namespace tributary
