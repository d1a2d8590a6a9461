#ifndef TRIBUTARY_INDEX_CHANGES_CHANGE_LOG_H_
#define TRIBUTARY_INDEX_CHANGES_CHANGE_LOG_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/file_lock.h"
#include "index/changes/change_head.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// Writes a log of changes in a folder; see change_head.h. What Append and
// AppendCopies returned OK for survives a crash of the machine. Not
// thread-safe.
class ChangeLog {
 public:
  // Returns the Ed25519 signature of a text.
  using Signer =
      std::function<absl::StatusOr<std::string>(std::string_view text)>;

  // Takes the folder, which is made if need be, until the object is destroyed.
  // Without a `signer` heads are not signed. UNAVAILABLE while another process
  // writes; DATA_LOSS, naming the file, when HEAD is not one.
  static absl::StatusOr<std::unique_ptr<ChangeLog>> Open(
      const std::filesystem::path& folder, Signer signer = nullptr);

  const ChangeHead& head() const { return head_; }

  // Adds the changes, all or none, and gives them their numbers and the time.
  // INVALID_ARGUMENT, naming the change by its index: `changes[3].item`, when
  // CheckChange refuses one. Errors of the disk, after which nothing was added,
  // unless the disk failed to say so.
  absl::Status Append(std::vector<v1::Change> changes);

  // Adds changes of another log, of which this one is a copy, by their bytes;
  // `at_ms` is for the head. REQUIRES: they are those after head().through.
  absl::Status AppendCopies(std::span<const std::string> changes,
                            int64_t at_ms);

 private:
  ChangeLog(std::filesystem::path folder, FileLock lock, ChangeHead head,
            Signer signer);

  // Adds one segment, merges small ones, and replaces HEAD.
  absl::Status Add(const v1::ChangeSegment& added, ChangeHead head);
  absl::Status MergeSmall(ChangeHead* head) const;
  absl::StatusOr<ChangeSegmentEntry> WriteSegment(
      uint64_t first, const v1::ChangeSegment& segment) const;
  // Removes segments that HEAD has not named for a while.
  void RemoveMerged() const;

  // Constant after construction.
  const std::filesystem::path folder_;
  const FileLock lock_;
  const Signer signer_;
  ChangeHead head_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_CHANGES_CHANGE_LOG_H_
