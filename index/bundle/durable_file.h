#ifndef TRIBUTARY_INDEX_BUNDLE_DURABLE_FILE_H_
#define TRIBUTARY_INDEX_BUNDLE_DURABLE_FILE_H_

#include <filesystem>
#include <string_view>

#include "absl/status/status.h"

namespace tributary {

// The error of the system call `what` on `path` that just failed, from errno.
// The code is that of absl::ErrnoToStatus: NOT_FOUND, ALREADY_EXISTS,
// PERMISSION_DENIED, RESOURCE_EXHAUSTED (disk full, too many open files), ...
absl::Status SystemError(std::string_view what,
                         const std::filesystem::path& path);

// fsync(2): after SyncFile the file's contents, after SyncDirectory the names
// that were added to, renamed in or removed from a directory, survive a crash
// of the machine.
absl::Status SyncFile(const std::filesystem::path& path);
absl::Status SyncDirectory(const std::filesystem::path& path);

// Replaces the file's contents by writing .<name>.new and renaming it, synced.
// Readers see the old contents or the new, also after a crash at any point. A
// crash may leave .<name>.new, which the next write reuses. With several
// writers, in any processes, the last one wins.
absl::Status WriteFileDurably(const std::filesystem::path& path,
                              std::string_view contents);

// Renames as rename(2) does, and then syncs the parent directory of `to`.
absl::Status RenameDurably(const std::filesystem::path& from,
                           const std::filesystem::path& to);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_DURABLE_FILE_H_
