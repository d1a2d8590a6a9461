#ifndef TRIBUTARY_SERVER_CHANGES_CHANGE_WRITER_H_
#define TRIBUTARY_SERVER_CHANGES_CHANGE_WRITER_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "index/changes/change_log.h"
#include "sync/mutex.h"
#include "tributary/v1/changes.pb.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// The numbers of the first and the last of some changes.
struct WrittenChanges {
  uint64_t first = 0;
  uint64_t last = 0;
};

// Writes changes into the log of a store: a directory or s3://BUCKET/PREFIX. It
// takes the log for each batch anew, so that other processes get their turns.
// Thread-safe.
class ChangeWriter {
 public:
  // Nothing is opened yet. `settings` is complete, and has a store.
  explicit ChangeWriter(v1::ChangeWriting settings)
      : settings_(std::move(settings)) {}

  // Adds the changes, all or none. When it returns OK, they are durable. While
  // somebody else writes, it tries again until `deadline`, and then says
  // UNAVAILABLE. INVALID_ARGUMENT, naming the change by its index, when
  // CheckChange refuses one; FAILED_PRECONDITION for a log that is signed,
  // without a key; NOT_FOUND for a directory that does not exist; those of the
  // store, after which nothing was added unless the store failed to say so.
  absl::StatusOr<WrittenChanges> Append(std::vector<v1::Change> changes,
                                        absl::Time deadline)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Makes a snapshot of the log now. Errors as Append's.
  absl::Status Compact(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_);

  // Takes the log until the returned object is destroyed. UNAVAILABLE while
  // somebody else has it; errors as Append's.
  absl::StatusOr<std::unique_ptr<ChangeLog>> OpenLog() const;

 private:
  // Opens the log and calls `write` until it does not say UNAVAILABLE.
  absl::Status Write(const std::function<absl::Status(ChangeLog*)>& write,
                     absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_);

  const v1::ChangeWriting settings_;
  // Held while this process writes.
  Mutex mutex_;
};

// The folder of the log in a store that is a directory. NOT_FOUND unless the
// directory exists.
absl::StatusOr<std::filesystem::path> ChangesFolderOf(const std::string& store);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_CHANGES_CHANGE_WRITER_H_
