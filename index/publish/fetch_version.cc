#include "index/publish/fetch_version.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "fmt/core.h"
#include "index/bundle/bundle.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/scratch_directory.h"
#include "index/publish/directory_store.h"
#include "index/publish/file_download.h"
#include "index/publish/shared_files.h"
#include "index/publish/store_config.h"
#include "status/status_macros.h"
#include "status/status_message.h"
#include "sync/mutex.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// A directory in the scratch directory, beside the version's, for incomplete
// files. Only these are written to: files in the version's directory may be
// hard links to those of other versions.
constexpr char kPartsName[] = "parts";

// ALREADY_EXISTS unless the version in `root` has this manifest.
absl::Status CheckSameManifest(const SignedManifest& manifest,
                               const fs::path& root, uint64_t version) {
  const auto existing = DirectoryStore(root).ReadManifest(version, {});
  if (existing.ok() && existing->json == manifest.json) return absl::OkStatus();
  return absl::AlreadyExistsError(fmt::format(
      "{}: version already exists with {}, and versions are immutable",
      VersionPath(root, version).string(),
      existing.ok() ? "another manifest" : "no manifest"));
}

// One call of FetchVersion.
class Fetch {
 public:
  Fetch(Store* store, uint64_t version, const v1::Manifest& manifest,
        const fs::path& root, const FetchOptions& options,
        const v1::Download& download, const ScratchDirectory& scratch)
      : options_(options),
        download_(download),
        manifest_(manifest),
        root_(root),
        dir_(scratch.version_dir()),
        parts_(scratch.path() / kPartsName),
        shared_(options.exclusive ? SharedFiles(root) : SharedFiles()),
        rate_limit_(download.max_bytes_per_second()),
        counts_(options.counts != nullptr ? options.counts : &own_counts_),
        context_{store,
                 version,
                 download.attempts(),
                 &rate_limit_,
                 &counts_->fetched_bytes,
                 stop_.get_token()} {}

  // Brings all files of the manifest into the scratch directory.
  absl::Status BringFiles();

 private:
  absl::Status Prepare();
  absl::Status CheckSpace() const;
  absl::Status Bring(const v1::FileEntry& file);
  void Work();

  const FetchOptions& options_;
  const v1::Download& download_;
  const v1::Manifest& manifest_;
  const fs::path& root_;
  const fs::path dir_;
  const fs::path parts_;
  const SharedFiles shared_;
  RateLimit rate_limit_;
  FetchCounts own_counts_;
  FetchCounts* const counts_;
  // Stops the workers, when one has failed or the caller requests it.
  std::stop_source stop_;
  const DownloadContext context_;

  // The manifest's files, the largest first. Constant while the workers run.
  std::vector<const v1::FileEntry*> files_;
  Mutex mutex_;
  // The next of files_, and the first error.
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

absl::Status Fetch::Prepare() {
  std::error_code error;
  for (const fs::path& dir : {dir_, parts_}) {
    fs::create_directory(dir, error);
    if (error) {
      return absl::ErrnoToStatus(error.value(), dir.string() + ": create");
    }
  }
  for (const v1::FileEntry& file : manifest_.files()) files_.push_back(&file);
  std::stable_sort(files_.begin(), files_.end(),
                   [](const auto* a, const auto* b) {
                     return a->size_bytes() > b->size_bytes();
                   });
  // Files of an earlier fetch that this version does not have.
  std::vector<fs::path> unwanted;
  for (const auto& entry : fs::directory_iterator(dir_, error)) {
    const std::string name = entry.path().filename().string();
    const auto wanted = std::find_if(
        files_.begin(), files_.end(),
        [&](const v1::FileEntry* file) { return file->name() == name; });
    if (wanted == files_.end() || !HasContent(entry.path(), **wanted)) {
      unwanted.push_back(entry.path());
    }
  }
  for (const fs::path& path : unwanted) fs::remove(path, error);
  return absl::OkStatus();
}

absl::Status Fetch::CheckSpace() const {
  uint64_t needed = 0;
  for (const v1::FileEntry* file : files_) {
    std::error_code missing;
    if (shared_.Has(*file) || fs::exists(dir_ / file->name(), missing)) {
      continue;
    }
    const uint64_t partial = fs::file_size(parts_ / file->name(), missing);
    const uint64_t left = file->size_bytes() -
                          (missing ? 0 : std::min(partial, file->size_bytes()));
    // Sizes are the manifest's, which may say anything.
    if (__builtin_add_overflow(needed, left, &needed)) {
      needed = std::numeric_limits<uint64_t>::max();
    }
  }
  struct statvfs info;
  if (::statvfs(root_.c_str(), &info) != 0)
    return SystemError("statvfs", root_);
  const uint64_t free = info.f_bavail * info.f_frsize;
  if (needed <= free) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      fmt::format("{}: version {} needs {} more bytes, but {} are free",
                  root_.string(), manifest_.version(), needed, free));
}

absl::Status Fetch::Bring(const v1::FileEntry& file) {
  const fs::path path = dir_ / file.name();
  const fs::path part = parts_ / file.name();
  std::error_code error;
  if (fs::exists(path, error)) return absl::OkStatus();
  if (shared_.Share(file, path, part)) {
    counts_->shared_bytes += file.size_bytes();
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(DownloadFile(context_, file, part));
  // The directory is synced when the manifest is written.
  if (::rename(part.c_str(), path.c_str()) == 0) return absl::OkStatus();
  return SystemError("rename", path);
}

void Fetch::Work() {
  while (true) {
    const v1::FileEntry* file = nullptr;
    {
      const MutexLock lock(&mutex_);
      if (next_ == files_.size() || !status_.ok()) return;
      file = files_[next_++];
    }
    const absl::Status status = Bring(*file);
    if (status.ok()) continue;
    const MutexLock lock(&mutex_);
    status_.Update(status);
    stop_.request_stop();
    return;
  }
}

absl::Status Fetch::BringFiles() {
  RETURN_IF_ERROR(Prepare());
  RETURN_IF_ERROR(CheckSpace());
  const std::stop_callback pass_on(options_.stop,
                                   [this] { stop_.request_stop(); });
  {
    std::vector<std::jthread> workers;
    while (workers.size() <
           std::min<size_t>(download_.parallel(), files_.size())) {
      workers.emplace_back([this] { Work(); });
    }
  }
  const MutexLock lock(&mutex_);
  return options_.stop.stop_requested() && !status_.ok()
             ? absl::CancelledError("stop requested")
             : status_;
}

// Writes the manifest last: with it, the directory is a bundle.
absl::Status WriteManifest(const SignedManifest& manifest,
                           const fs::path& dir) {
  if (manifest.signature) {
    RETURN_IF_ERROR(
        WriteFileDurably(dir / kSignatureName, *manifest.signature));
  }
  return WriteFileDurably(dir / kManifestName, manifest.json);
}

// Runs the check. An error blames the store's version, whose bytes are the
// same.
absl::Status CheckCopy(const FetchOptions& options, const fs::path& dir,
                       const Store& store, uint64_t version) {
  const absl::Status status = options.check(dir);
  if (status.ok()) return status;
  return {status.code(),
          fmt::format("{}/{}: {}", store.url(), version, MessageOf(status))};
}

// Whether a retry may succeed; it is faster with the files fetched so far.
bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsCancelled(status) ||
         absl::IsNotFound(status) || absl::IsPermissionDenied(status);
}

}  // namespace

absl::Status FetchVersion(Store* store, uint64_t version,
                          const SignedManifest& manifest, const fs::path& root,
                          const FetchOptions& options) {
  ASSIGN_OR_RETURN(const v1::Download download,
                   CompleteDownload(options.download));
  const auto parsed = ParseManifest(manifest.json);
  if (!parsed.ok()) {
    return {parsed.status().code(),
            fmt::format("{}/{}: {}", store->url(), version,
                        MessageOf(parsed.status()))};
  }
  if (parsed->version() != version) {
    return absl::DataLossError(fmt::format(
        "{}/{}: the manifest's version is {}, but must be the directory's name",
        store->url(), version, parsed->version()));
  }
  const fs::path target = VersionPath(root, version);
  std::error_code error;
  if (fs::exists(target, error)) {
    return CheckSameManifest(manifest, root, version);
  }
  ASSIGN_OR_RETURN(
      ScratchDirectory scratch,
      options.exclusive
          ? ScratchDirectory::AdoptOrCreate(root, kIncoming, version)
          : ScratchDirectory::Create(root, kIncoming, version));
  absl::Status status =
      Fetch(store, version, *parsed, root, options, download, scratch)
          .BringFiles();
  if (status.ok()) status = WriteManifest(manifest, scratch.version_dir());
  if (status.ok()) {
    status = CheckCopy(options, scratch.version_dir(), *store, version);
  }
  if (status.ok()) status = RenameDurably(scratch.version_dir(), target);
  // Another process may have fetched the version in the meantime.
  if (!status.ok() && fs::exists(target, error)) {
    return CheckSameManifest(manifest, root, version);
  }
  if (options.exclusive && MayPass(status)) std::move(scratch).Abandon();
  return status;
}

}  // namespace tributary
