// Merging. When each of the last kFanIn segments, or more, has fewer changes
// than kFanIn times the last one has, all of them become one segment. HEAD
// therefore names few segments of each order of magnitude, whatever the sizes
// of batches, and a change is written again once for each order of magnitude.
#include "index/changes/change_log.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/sha256.h"
#include "index/changes/read_changes.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

constexpr char kWriterLock[] = "writer.lock";
constexpr size_t kFanIn = 8;
// A merged segment has at most so many bytes.
constexpr uint64_t kMaxMergedBytes = uint64_t{8} << 20;
// How long readers that have an older HEAD may need what it names.
constexpr std::chrono::minutes kKeepMerged(10);

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// How many segments at the end are to become one; 0 for none.
size_t SegmentsToMerge(const std::vector<ChangeSegmentEntry>& segments) {
  if (segments.empty()) return 0;
  const uint64_t limit = segments.back().count() * kFanIn;
  size_t run = 0;
  uint64_t bytes = 0;
  for (auto segment = segments.rbegin(); segment != segments.rend();
       ++segment) {
    bytes += segment->bytes;
    if (segment->count() >= limit || bytes > kMaxMergedBytes) break;
    ++run;
  }
  return run < kFanIn ? 0 : run;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChangeLog>> ChangeLog::Open(
    const fs::path& folder, Signer signer) {
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
  ASSIGN_OR_RETURN(ChangeHead head, ReadChangeHead(folder));
  std::unique_ptr<ChangeLog> log(new ChangeLog(
      folder, *std::move(lock), std::move(head), std::move(signer)));
  log->RemoveMerged();
  return log;
}

ChangeLog::ChangeLog(fs::path folder, FileLock lock, ChangeHead head,
                     Signer signer)
    : folder_(std::move(folder)),
      lock_(std::move(lock)),
      signer_(std::move(signer)),
      head_(std::move(head)) {}

absl::Status ChangeLog::Append(std::vector<v1::Change> changes) {
  if (changes.empty()) return absl::OkStatus();
  ChangeHead head = head_;
  head.at_ms = NowMs();
  v1::ChangeSegment segment;
  for (size_t i = 0; i < changes.size(); ++i) {
    RETURN_IF_ERROR(CheckChange(changes[i], fmt::format("changes[{}]", i)));
    changes[i].set_number(++head.through);
    changes[i].set_at_ms(head.at_ms);
    *segment.add_changes() = changes[i].SerializeAsString();
    head.chain = NextChain(head.chain, segment.changes(static_cast<int>(i)));
  }
  return Add(segment, std::move(head));
}

absl::Status ChangeLog::AppendCopies(std::span<const std::string> changes,
                                     int64_t at_ms) {
  if (changes.empty()) return absl::OkStatus();
  v1::ChangeSegment segment;
  ChangeHead head = head_;
  head.through += changes.size();
  head.at_ms = at_ms;
  for (const std::string& change : changes) {
    *segment.add_changes() = change;
    head.chain = NextChain(head.chain, change);
  }
  return Add(segment, std::move(head));
}

absl::Status ChangeLog::Add(const v1::ChangeSegment& added, ChangeHead head) {
  head.signature.clear();
  ASSIGN_OR_RETURN(ChangeSegmentEntry entry,
                   WriteSegment(head_.through + 1, added));
  head.segments.push_back(std::move(entry));
  RETURN_IF_ERROR(MergeSmall(&head));
  if (signer_) {
    ASSIGN_OR_RETURN(head.signature, signer_(head.SignedText()));
  }
  RETURN_IF_ERROR(WriteFileDurably(folder_ / kChangeHeadName, head.Text()));
  const bool merged = head.segments.size() <= head_.segments.size();
  head_ = std::move(head);
  if (merged) RemoveMerged();
  return absl::OkStatus();
}

absl::Status ChangeLog::MergeSmall(ChangeHead* head) const {
  while (const size_t count = SegmentsToMerge(head->segments)) {
    const auto begin =
        head->segments.end() - static_cast<std::ptrdiff_t>(count);
    v1::ChangeSegment merged;
    for (auto entry = begin; entry != head->segments.end(); ++entry) {
      ASSIGN_OR_RETURN(const v1::ChangeSegment segment,
                       ReadChangeSegment(*entry, folder_));
      merged.MergeFrom(segment);
    }
    ASSIGN_OR_RETURN(ChangeSegmentEntry entry,
                     WriteSegment(begin->first, merged));
    head->segments.erase(begin, head->segments.end());
    head->segments.push_back(std::move(entry));
  }
  return absl::OkStatus();
}

absl::StatusOr<ChangeSegmentEntry> ChangeLog::WriteSegment(
    uint64_t first, const v1::ChangeSegment& segment) const {
  const std::string contents = segment.SerializeAsString();
  ChangeSegmentEntry entry;
  entry.first = first;
  entry.last = first + static_cast<uint64_t>(segment.changes_size()) - 1;
  entry.bytes = contents.size();
  entry.sha256 =
      Sha256Hex(std::as_bytes(std::span(contents.data(), contents.size())));
  if (entry.bytes > kMaxChangeSegmentBytes) {
    return absl::InvalidArgumentError(
        fmt::format("{} changes have {} bytes, at most {} may be added at a "
                    "time",
                    entry.count(), entry.bytes, kMaxChangeSegmentBytes));
  }
  RETURN_IF_ERROR(WriteFileDurably(folder_ / entry.Name(), contents));
  return entry;
}

void ChangeLog::RemoveMerged() const {
  std::set<std::string> named;
  for (const ChangeSegmentEntry& segment : head_.segments) {
    named.insert(segment.Name());
  }
  const auto oldest = fs::file_time_type::clock::now() - kKeepMerged;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().native();
    if (entry.path().extension() != ".segment" || named.contains(name)) {
      continue;
    }
    const auto written = fs::last_write_time(entry.path(), error);
    // What stays is found again.
    if (!error && written < oldest) fs::remove(entry.path(), error);
  }
}

}  // namespace tributary
