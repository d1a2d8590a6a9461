#include "index/publish/file_download.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "fmt/core.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/sha256.h"
#include "index/publish/backoff.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 20;

// The beginning of a file, on disk and in its hash.
class PartialFile : public ByteSink {
 public:
  PartialFile(const DownloadContext& context, const v1::FileEntry& file,
              std::filesystem::path path)
      : context_(context), file_(file), path_(std::move(path)) {}
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile() override {
    if (fd_ >= 0) ::close(fd_);
  }

  absl::Status Open();
  absl::Status Begin(uint64_t offset) override;
  absl::Status Append(std::span<const std::byte> bytes) override;
  absl::Status Restart();
  // Whether it is the manifest's file.
  absl::Status Check() &;
  absl::Status Sync();

  uint64_t size() const { return size_; }

 private:
  absl::Status HashWhatIsThere(uint64_t size);
  absl::Status Wrong(std::string_view what, std::string_view found,
                     std::string_view expected) const;

  const DownloadContext& context_;
  const v1::FileEntry& file_;
  const std::filesystem::path path_;
  int fd_ = -1;
  uint64_t size_ = 0;
  Sha256 hash_;
};

absl::Status PartialFile::Open() {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd_ < 0) return SystemError("open", path_);
  struct stat info;
  if (::fstat(fd_, &info) != 0) return SystemError("stat", path_);
  const auto size = static_cast<uint64_t>(info.st_size);
  return size > file_.size_bytes() ? Restart() : HashWhatIsThere(size);
}

absl::Status PartialFile::HashWhatIsThere(uint64_t size) {
  std::vector<std::byte> chunk(std::min<uint64_t>(kChunkBytes, size));
  while (size_ < size) {
    if (context_.stop.stop_requested()) return absl::CancelledError("stopped");
    const ssize_t n =
        ::pread(fd_, chunk.data(), chunk.size(), static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError("read", path_);
    if (n == 0) break;
    hash_.Add({chunk.data(), static_cast<size_t>(n)});
    size_ += static_cast<uint64_t>(n);
  }
  return absl::OkStatus();
}

absl::Status PartialFile::Restart() {
  if (::ftruncate(fd_, 0) != 0) return SystemError("truncate", path_);
  size_ = 0;
  hash_ = Sha256();
  return absl::OkStatus();
}

absl::Status PartialFile::Begin(uint64_t offset) {
  return offset == size_ ? absl::OkStatus() : Restart();
}

absl::Status PartialFile::Append(std::span<const std::byte> bytes) {
  if (bytes.size() > file_.size_bytes() - size_) {
    return Wrong("size", "more", fmt::format("{}", file_.size_bytes()));
  }
  if (!context_.rate_limit->Take(bytes.size(), context_.stop)) {
    return absl::CancelledError("stop requested");
  }
  context_.fetched_bytes->fetch_add(bytes.size(), std::memory_order_relaxed);
  hash_.Add(bytes);
  while (!bytes.empty()) {
    const ssize_t n =
        ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError("write", path_);
    size_ += static_cast<uint64_t>(n);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status PartialFile::Check() & {
  if (size_ != file_.size_bytes()) {
    return Wrong("size", fmt::format("{}", size_),
                 fmt::format("{}", file_.size_bytes()));
  }
  const std::string found = std::exchange(hash_, Sha256()).Hex();
  if (found == file_.sha256()) return absl::OkStatus();
  return Wrong("SHA-256", found, file_.sha256());
}

absl::Status PartialFile::Wrong(std::string_view what, std::string_view found,
                                std::string_view expected) const {
  return absl::DataLossError(
      fmt::format("{}/{}/{}: its {} is {}, but files[\"{}\"] says {}",
                  context_.store->url(), context_.version, file_.name(), what,
                  found, file_.name(), expected));
}

absl::Status PartialFile::Sync() {
  return ::fsync(fd_) == 0 ? absl::OkStatus() : SystemError("fsync", path_);
}

absl::Status DownloadTo(PartialFile* partial, const DownloadContext& context,
                        const v1::FileEntry& file) {
  std::string validator;
  // Whether all that is there came from the beginning on, now.
  bool whole = partial->size() == 0;
  // What is complete already is only checked.
  bool complete = !whole && partial->size() == file.size_bytes();
  int wrong = 0;
  uint32_t failures = 0;
  while (true) {
    absl::Status status;
    if (!std::exchange(complete, false)) {
      status =
          context.store->ReadFile(context.version, file.name(), partial->size(),
                                  &validator, partial, context.stop);
    }
    if (status.ok()) status = partial->Check();
    if (absl::IsUnavailable(status)) {
      if (++failures >= context.attempts) return status;
      if (!SleepFor(Backoff(static_cast<int>(failures), kFirstBackoff,
                            kMostBackoff, Chance()),
                    context.stop)) {
        return absl::CancelledError("stop requested");
      }
    } else if (absl::IsDataLoss(status) || absl::IsOutOfRange(status)) {
      if (std::exchange(whole, true) && ++wrong > 1) return status;
      RETURN_IF_ERROR(partial->Restart());
      validator.clear();
    } else {
      return status;
    }
  }
}

}  // namespace

absl::Status DownloadFile(const DownloadContext& context,
                          const v1::FileEntry& file,
                          const std::filesystem::path& path) {
  PartialFile partial(context, file, path);
  RETURN_IF_ERROR(partial.Open());
  const absl::Status status = DownloadTo(&partial, context, file);
  if (status.ok()) return partial.Sync();
  if (absl::IsDataLoss(status)) ::unlink(path.c_str());
  return status;
}

}  // namespace tributary
