// Merging. When each of the last kFanIn segments, or more, has fewer changes
// than kFanIn times the last one has, all of them become one segment. HEAD
// therefore names few segments of each order of magnitude, whatever the sizes
// of batches, and a change is written again once for each order of magnitude.
#include "index/changes/change_log.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "fmt/format.h"
#include "index/bundle/sha256.h"
#include "index/changes/check_change.h"
#include "index/changes/effective_changes.h"
#include "index/changes/read_changes.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFanIn = 8;
// A merged segment, and about so a file of a snapshot, has at most so many
// bytes.
constexpr uint64_t kMaxMergedBytes = uint64_t{8} << 20;

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string HashOf(const std::string& contents) {
  return Sha256Hex(std::as_bytes(std::span(contents.data(), contents.size())));
}

// The files that a head names.
std::set<std::string> NamesOf(const ChangeHead& head) {
  std::set<std::string> names;
  for (const ChangeSnapshotPart& part : head.snapshot.parts) {
    names.insert(part.Name(head.snapshot.through));
  }
  for (const ChangeSegmentEntry& segment : head.segments) {
    names.insert(segment.Name());
  }
  return names;
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
  ASSIGN_OR_RETURN(auto files, OpenChangeFolder(folder));
  return Open(std::move(files), std::move(signer));
}

absl::StatusOr<std::unique_ptr<ChangeLog>> ChangeLog::Open(
    std::unique_ptr<ChangeFiles> files, Signer signer) {
  ASSIGN_OR_RETURN(const std::string text, files->ReadHead());
  ChangeHead head;
  if (!text.empty()) {
    ASSIGN_OR_RETURN(
        head, ParseChangeHead(
                  text, fmt::format("{}/{}", files->place(), kChangeHeadName)));
  }
  std::unique_ptr<ChangeLog> log(
      new ChangeLog(std::move(files), std::move(head), std::move(signer)));
  log->files_->RemoveOthers(NamesOf(log->head_), {});
  return log;
}

ChangeLog::ChangeLog(std::unique_ptr<ChangeFiles> files, ChangeHead head,
                     Signer signer)
    : files_(std::move(files)),
      signer_(std::move(signer)),
      head_(std::move(head)) {}

absl::Status ChangeLog::Append(std::vector<v1::Change> changes,
                               const ReaderBatch& batch) {
  if (changes.empty()) return absl::OkStatus();
  ChangeHead head = head_;
  if (!batch.reader.empty()) head.readers[batch.reader] = batch.sha256;
  if (head.readers.size() > kMaxChangeReaders) {
    return absl::ResourceExhaustedError(fmt::format(
        "{} readers of brokers have written into the log, and it knows no more",
        kMaxChangeReaders));
  }
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
  ASSIGN_OR_RETURN(ChangeSegmentEntry entry,
                   WriteSegment(head_.through + 1, added));
  head.segments.push_back(std::move(entry));
  RETURN_IF_ERROR(MergeSmall(&head));
  RETURN_IF_ERROR(ReplaceHead(std::move(head)));
  const uint64_t loose = head_.through - head_.snapshot.through;
  if (loose <= std::max(kCompactAfter, head_.snapshot.count())) {
    return absl::OkStatus();
  }
  // The changes are in the log, whatever comes of this; the next ones try
  // again.
  Compact().IgnoreError();
  return absl::OkStatus();
}

absl::Status ChangeLog::ReplaceHead(ChangeHead head) {
  head.signature.clear();
  if (signer_) {
    ASSIGN_OR_RETURN(head.signature, signer_(head.SignedText()));
  }
  RETURN_IF_ERROR(files_->ReplaceHead(head.Text()));
  const std::set<std::string> named = NamesOf(head);
  std::vector<std::string> replaced;
  for (const std::string& name : NamesOf(head_)) {
    if (!named.contains(name)) replaced.push_back(name);
  }
  head_ = std::move(head);
  if (!replaced.empty()) files_->RemoveOthers(named, replaced);
  return absl::OkStatus();
}

absl::Status ChangeLog::Compact() {
  if (head_.segments.empty()) return absl::OkStatus();
  EffectiveChanges effective;
  ChangePosition position;
  RETURN_IF_ERROR(ReadChanges(
      head_,
      [&](const std::string& name, uint64_t max_bytes) {
        return files_->Read(name, max_bytes);
      },
      &position,
      [&](const v1::Change& change, std::string_view bytes,
          const absl::Status& verdict) {
        // What is no change at all says nothing to anybody.
        if (!verdict.ok() &&
            !v1::Change().ParseFromArray(bytes.data(),
                                         static_cast<int>(bytes.size()))) {
          return absl::OkStatus();
        }
        effective.Add(change, bytes, verdict.ok());
        return absl::OkStatus();
      }));
  effective.ForgetEvents(files_->InEveryVersion());
  ChangeHead head = head_;
  head.segments.clear();
  head.snapshot = {head.through, head.chain, {}};
  v1::ChangeSegment part;
  size_t bytes = 0;
  for (const auto& [number, change] : effective.kept()) {
    if (bytes > kMaxMergedBytes) {
      RETURN_IF_ERROR(WritePart(part, &head.snapshot));
      part.Clear();
      bytes = 0;
    }
    bytes += change.size();
    *part.add_changes() = change;
  }
  RETURN_IF_ERROR(WritePart(part, &head.snapshot));
  return ReplaceHead(std::move(head));
}

absl::Status ChangeLog::CopySnapshot(const ChangeHead& other,
                                     ReadChangeFile read) {
  ChangeHead head;
  head.at_ms = other.at_ms;
  head.through = other.snapshot.through;
  head.chain = other.snapshot.chain;
  head.snapshot = other.snapshot;
  for (const ChangeSnapshotPart& part : other.snapshot.parts) {
    const std::string name = part.Name(other.snapshot.through);
    ASSIGN_OR_RETURN(const std::string contents,
                     read(name, kMaxChangeSegmentBytes));
    RETURN_IF_ERROR(
        ParseChangeFile(name, part.changes, part.bytes, part.sha256, contents)
            .status());
    RETURN_IF_ERROR(files_->Write(name, contents));
  }
  return ReplaceHead(std::move(head));
}

absl::Status ChangeLog::WritePart(const v1::ChangeSegment& changes,
                                  ChangeSnapshot* snapshot) const {
  if (changes.changes().empty()) return absl::OkStatus();
  const std::string contents = changes.SerializeAsString();
  ChangeSnapshotPart part = {static_cast<uint64_t>(changes.changes_size()),
                             contents.size(), HashOf(contents)};
  RETURN_IF_ERROR(files_->Write(part.Name(snapshot->through), contents));
  snapshot->parts.push_back(std::move(part));
  return absl::OkStatus();
}

absl::Status ChangeLog::MergeSmall(ChangeHead* head) const {
  while (const size_t count = SegmentsToMerge(head->segments)) {
    const auto begin =
        head->segments.end() - static_cast<std::ptrdiff_t>(count);
    v1::ChangeSegment merged;
    for (auto entry = begin; entry != head->segments.end(); ++entry) {
      const std::string name = entry->Name();
      ASSIGN_OR_RETURN(const std::string contents,
                       files_->Read(name, kMaxChangeSegmentBytes));
      ASSIGN_OR_RETURN(const v1::ChangeSegment segment,
                       ParseChangeFile(name, entry->count(), entry->bytes,
                                       entry->sha256, contents));
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
  entry.sha256 = HashOf(contents);
  if (entry.bytes > kMaxChangeSegmentBytes) {
    return absl::InvalidArgumentError(
        fmt::format("{} changes have {} bytes, at most {} may be added at a "
                    "time",
                    entry.count(), entry.bytes, kMaxChangeSegmentBytes));
  }
  RETURN_IF_ERROR(files_->Write(entry.Name(), contents));
  return entry;
}

}  // namespace tributary
