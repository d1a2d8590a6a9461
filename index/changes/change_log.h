#ifndef TRIBUTARY_INDEX_CHANGES_CHANGE_LOG_H_
#define TRIBUTARY_INDEX_CHANGES_CHANGE_LOG_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/changes/change_files.h"
#include "index/changes/change_head.h"
#include "index/changes/read_changes.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// What a reader of a broker wrote: see ChangeHead::readers. Both are 64
// hexadecimal digits.
struct ReaderBatch {
  std::string reader = {};
  std::string sha256 = {};
};

// Writes a log of changes; see change_head.h. What a method returned OK for
// survives a crash of the machine. A log of which more than kCompactAfter
// changes are in segments, and more than its snapshot has, becomes a snapshot
// when changes are added, so that what this costs is a constant for each
// change. Not thread-safe.
class ChangeLog {
 public:
  // Returns the Ed25519 signature of a text.
  using Signer =
      std::function<absl::StatusOr<std::string>(std::string_view text)>;

  static constexpr uint64_t kCompactAfter = 100'000;

  // Takes the folder, which is made if need be, until the object is destroyed.
  // Without a `signer` heads are not signed. UNAVAILABLE while another process
  // writes; DATA_LOSS, naming the file, when HEAD is not one.
  static absl::StatusOr<std::unique_ptr<ChangeLog>> Open(
      const std::filesystem::path& folder, Signer signer = nullptr);
  // The same with a log in any place.
  static absl::StatusOr<std::unique_ptr<ChangeLog>> Open(
      std::unique_ptr<ChangeFiles> files, Signer signer = nullptr);

  const ChangeHead& head() const { return head_; }

  // Adds the changes, all or none, and gives them their numbers and the time.
  // INVALID_ARGUMENT, naming the change by its index: `changes[3].item`, when
  // CheckChange refuses one. Errors of the disk, after which nothing was added,
  // unless the disk failed to say so.
  absl::Status Append(std::vector<v1::Change> changes) {
    return Append(std::move(changes), {});
  }
  // The same, and notes in the head that they are the last batch of a reader of
  // a broker, in one step. RESOURCE_EXHAUSTED when the head has no room for one
  // more reader.
  absl::Status Append(std::vector<v1::Change> changes,
                      const ReaderBatch& batch);

  // Adds changes of another log, of which this one is a copy, by their bytes;
  // `at_ms` is for the head. REQUIRES: they are those after head().through.
  absl::Status AppendCopies(std::span<const std::string> changes,
                            int64_t at_ms);

  // Takes over the snapshot of another log, of which this one is a copy,
  // instead of the changes that this one has; `read` returns the other one's
  // files. DATA_LOSS when they are not those that `other` names. REQUIRES:
  // head().through < other.snapshot.through.
  absl::Status CopySnapshot(const ChangeHead& other, ReadChangeFile read);

  // Makes all changes a snapshot. Left out are those that later ones replaced
  // (see EffectiveChanges), and events that every version beside the log has in
  // its data. Nothing is done when there are no segments.
  absl::Status Compact();

 private:
  ChangeLog(std::unique_ptr<ChangeFiles> files, ChangeHead head, Signer signer);

  // Adds one segment, merges small ones, and replaces HEAD.
  absl::Status Add(const v1::ChangeSegment& added, ChangeHead head);
  absl::Status MergeSmall(ChangeHead* head) const;
  absl::StatusOr<ChangeSegmentEntry> WriteSegment(
      uint64_t first, const v1::ChangeSegment& segment) const;
  // Adds a file to a snapshot.
  absl::Status WritePart(const v1::ChangeSegment& changes,
                         ChangeSnapshot* snapshot) const;
  // Signs and writes the head, and removes files that it no longer names.
  absl::Status ReplaceHead(ChangeHead head);

  // Constant after construction.
  const std::unique_ptr<ChangeFiles> files_;
  const Signer signer_;
  ChangeHead head_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_CHANGES_CHANGE_LOG_H_
