#include "index/changes/change_files.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "fmt/format.h"
#include "index/bundle/bundle.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/version_directory.h"
#include "index/changes/change_head.h"
#include "index/changes/read_changes.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

constexpr char kWriterLock[] = "writer.lock";
// How long readers that have an older HEAD may need what it names.
constexpr std::chrono::minutes kKeepReplaced(10);

class ChangeFolder final : public ChangeFiles {
 public:
  ChangeFolder(fs::path folder, FileLock lock)
      : ChangeFiles(folder.native()),
        folder_(std::move(folder)),
        lock_(std::move(lock)) {}

  absl::StatusOr<std::string> ReadHead() override {
    auto head = Read(kChangeHeadName, kMaxChangeHeadBytes);
    if (absl::IsNotFound(head.status())) return "";
    return head;
  }

  absl::StatusOr<std::string> Read(const std::string& name,
                                   uint64_t max_bytes) override {
    return ReadChangeFileOf(folder_, name, max_bytes);
  }

  absl::Status Write(const std::string& name,
                     const std::string& contents) override {
    return WriteFileDurably(folder_ / name, contents);
  }

  // Nobody else writes while the lock is held.
  absl::Status ReplaceHead(const std::string& contents) override {
    return Write(kChangeHeadName, contents);
  }

  void RemoveOthers(const std::set<std::string>& named,
                    const std::vector<std::string>&) override {
    const auto oldest = fs::file_time_type::clock::now() - kKeepReplaced;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_, error)) {
      const fs::path& path = entry.path();
      const bool of_log =
          path.extension() == ".segment" || path.extension() == ".snapshot";
      if (!of_log || named.contains(path.filename().native())) continue;
      const auto written = fs::last_write_time(path, error);
      // What stays is found again.
      if (!error && written < oldest) fs::remove(path, error);
    }
  }

  uint64_t InEveryVersion() override {
    const fs::path root = folder_.parent_path();
    const auto versions = ListVersions(root);
    if (!versions.ok() || versions->empty()) return 0;
    uint64_t through = UINT64_MAX;
    for (const uint64_t version : *versions) {
      const auto bundle = Bundle::Open(VersionPath(root, version));
      // Nobody knows what it has.
      if (!bundle.ok()) return 0;
      through = std::min(through, (*bundle)->manifest().changes_through());
    }
    return through;
  }

 private:
  const fs::path folder_;
  const FileLock lock_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ChangeFiles>> OpenChangeFolder(
    const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return absl::ErrnoToStatus(error.value(), folder.native());
  auto lock = FileLock::TryAcquire(folder / kWriterLock);
  if (absl::IsUnavailable(lock.status())) {
    return absl::UnavailableError(fmt::format(
        "{}: another process writes changes at the moment; there can be one at "
        "a time, try again when it has ended",
        folder.native()));
  }
  if (!lock.ok()) return lock.status();
  return std::make_unique<ChangeFolder>(folder, *std::move(lock));
}

}  // namespace tributary
