#ifndef TRIBUTARY_INDEX_BUNDLE_DURABLE_FILE_H_
#define TRIBUTARY_INDEX_BUNDLE_DURABLE_FILE_H_

#include <filesystem>
#include <string_view>

#include "absl/status/status.h"

namespace tributary {

// The error of the system call that just failed, from errno, naming the path:
// NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED (disk full,
// too many files) or whatever absl::ErrnoToStatus makes of it.
absl::Status SystemError(std::string_view what,
                         const std::filesystem::path& path);

// fsync: what was written (to a directory: names added, renamed and removed)
// survives a crash of the machine.
absl::Status SyncFile(const std::filesystem::path& path);
absl::Status SyncDirectory(const std::filesystem::path& path);

// Replaces the file by rename: readers, and a crash at any point, see the old
// contents or the new. A crash may leave .<name>.new, which the next write
// takes. Of several writers, of any process, the last one wins.
absl::Status WriteFileDurably(const std::filesystem::path& path,
                              std::string_view contents);

// rename(2), then syncs the parent directory of `to`.
absl::Status RenameDurably(const std::filesystem::path& from,
                           const std::filesystem::path& to);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_DURABLE_FILE_H_
