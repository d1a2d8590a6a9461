#include "index/publish/open_change_files.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/changes/change_head.h"
#include "index/publish/s3_store.h"
#include "index/publish/store_config.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Which files HEAD has ceased to name, and when: lines "<ms> <name>". What a
// writer that is killed does not note here stays in the store.
constexpr char kReplacedName[] = "changes/replaced";
constexpr uint64_t kMaxReplacedBytes = uint64_t{1} << 20;
// How long readers that have an older HEAD may need what it names.
constexpr int64_t kKeepReplacedMs = 10 * 60 * 1000;

int64_t WallMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::map<std::string, int64_t> ParseReplaced(std::string_view text) {
  std::map<std::string, int64_t> replaced;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    int64_t ms = 0;
    const auto [rest, error] =
        std::from_chars(line.data(), line.data() + line.size(), ms);
    const auto digits = static_cast<size_t>(rest - line.data());
    if (error != std::errc() || digits + 1 >= line.size()) continue;
    replaced.emplace(line.substr(digits + 1), ms);
  }
  return replaced;
}

class S3ChangeFiles final : public ChangeFiles {
 public:
  explicit S3ChangeFiles(std::unique_ptr<S3Store> store)
      : ChangeFiles(fmt::format("{}/{}", store->url(), kChangesName)),
        store_(std::move(store)) {}

  absl::StatusOr<std::string> ReadHead() override {
    auto head =
        store_->ReadTagged(PathOf(kChangeHeadName), kMaxChangeHeadBytes);
    if (absl::IsNotFound(head.status())) {
      head_tag_.clear();
      return "";
    }
    if (!head.ok()) return head.status();
    if (head->tag.empty()) {
      return absl::UnimplementedError(fmt::format(
          "{}: the service gives HEAD no ETag, without which two writers would "
          "lose each other's changes",
          place()));
    }
    head_tag_ = head->tag;
    return std::move(head->contents);
  }

  absl::StatusOr<std::string> Read(const std::string& name,
                                   uint64_t max_bytes) override {
    return store_->ReadSmallFile(PathOf(name), max_bytes, {});
  }

  absl::Status Write(const std::string& name,
                     const std::string& contents) override {
    return store_->WriteSmallFile(PathOf(name), contents);
  }

  absl::Status ReplaceHead(const std::string& contents) override {
    const std::string path = PathOf(kChangeHeadName);
    auto tag = store_->WriteIfTagged(path, contents, head_tag_);
    if (tag.ok()) {
      head_tag_ = *std::move(tag);
      return absl::OkStatus();
    }
    const bool in_doubt =
        absl::IsAborted(tag.status()) || absl::IsUnavailable(tag.status());
    if (!in_doubt) return tag.status();
    // It has happened if HEAD says so, whatever became of the reply.
    const std::string before = std::exchange(head_tag_, "");
    const auto now = ReadHead();
    if (!now.ok()) {
      return absl::UnknownError(fmt::format(
          "{}: the changes may be written or not: {}; and then {}", place(),
          tag.status().ToString(), now.status().ToString()));
    }
    if (*now == contents) return absl::OkStatus();
    if (head_tag_ == before) return tag.status();
    return absl::UnavailableError(fmt::format(
        "{}: another process writes changes at the moment; there can be one at "
        "a time, try again when it has ended",
        place()));
  }

  void RemoveOthers(const std::set<std::string>& named,
                    const std::vector<std::string>& replaced) override {
    if (replaced.empty()) return;
    const auto text = store_->ReadTagged(kReplacedName, kMaxReplacedBytes);
    if (!text.ok() && !absl::IsNotFound(text.status())) return;
    std::map<std::string, int64_t> waiting =
        ParseReplaced(text.ok() ? text->contents : "");
    const int64_t now = WallMs();
    for (const std::string& name : replaced) waiting.emplace(name, now);
    std::string left;
    for (const auto& [name, ms] : waiting) {
      const bool is_file =
          name.ends_with(".segment") || name.ends_with(".snapshot");
      if (named.contains(name) || !is_file) continue;
      if (ms < now - kKeepReplacedMs &&
          store_->RemoveSmallFile(PathOf(name)).ok()) {
        continue;
      }
      left += fmt::format("{} {}\n", ms, name);
    }
    // What another writer notes at the same time may stay in the store.
    store_->WriteSmallFile(kReplacedName, left).IgnoreError();
  }

  // Finding all versions would take the right to list the bucket.
  uint64_t InEveryVersion() override { return 0; }

 private:
  static std::string PathOf(const std::string& name) {
    return fmt::format("{}/{}", kChangesName, name);
  }

  const std::unique_ptr<S3Store> store_;
  // Of HEAD as it was read or written last; empty: there was none.
  std::string head_tag_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ChangeFiles>> OpenChangeFiles(
    const std::string& url, const StoreOptions& options) {
  ASSIGN_OR_RETURN(const v1::Download download,
                   CompleteDownload(options.download));
  ASSIGN_OR_RETURN(const v1::S3 s3, CompleteS3(options.s3));
  ASSIGN_OR_RETURN(auto store, S3Store::Open(url, download, s3));
  return std::make_unique<S3ChangeFiles>(std::move(store));
}

}  // namespace tributary
