#ifndef TRIBUTARY_INDEX_CHANGES_READ_CHANGES_H_
#define TRIBUTARY_INDEX_CHANGES_READ_CHANGES_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/changes/change_head.h"
#include "index/changes/check_change.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// How far somebody has read a log.
struct ChangePosition {
  uint64_t through = 0;
  std::string chain = ChangeHead().chain;
};

// Returns the contents of a file of the log, at most `max_bytes`.
using ReadChangeFile = absl::FunctionRef<absl::StatusOr<std::string>(
    const std::string& name, uint64_t max_bytes)>;
// Takes a change and its bytes. `verdict` is that of CheckChange: a change that
// it refuses counts as read, does nothing, and does not keep others from being
// read. An error that this returns ends the reading.
using TakeChange = absl::FunctionRef<absl::Status(const v1::Change& change,
                                                  std::string_view bytes,
                                                  const absl::Status& verdict)>;

// Passes the changes after *position to `take`, in their order, moves *position
// along, and reads only the files that have them. Where the log has a snapshot
// that ends after *position, the changes up to there are those of the snapshot:
// their numbers ascend, with gaps. A caller applies what it
// took when all was read: only then is it known that the past of the log is
// what it was. Errors, after which *position is unspecified: DATA_LOSS, naming
// the file, for bytes that are not those that HEAD promises, changes that are
// missing, and a past that differs; those of `read` (NOT_FOUND when the segment
// was merged away since HEAD was read: read HEAD again) and of `take`.
absl::Status ReadChanges(const ChangeHead& head, ReadChangeFile read,
                         ChangePosition* position, TakeChange take);

// The two for a folder. The head of a folder that does not exist, or has no
// HEAD, is that of an empty log. DATA_LOSS, naming the file.
absl::StatusOr<ChangeHead> ReadChangeHead(const std::filesystem::path& folder);
absl::Status ReadChanges(const ChangeHead& head,
                         const std::filesystem::path& folder,
                         ChangePosition* position, TakeChange take);

// What a file of the log says, which has this name and so many changes.
// DATA_LOSS unless `contents` have these bytes and this hash.
absl::StatusOr<v1::ChangeSegment> ParseChangeFile(const std::string& name,
                                                  uint64_t changes,
                                                  uint64_t bytes,
                                                  const std::string& sha256,
                                                  std::string_view contents);
// A file of the folder. NOT_FOUND; DATA_LOSS when it is longer than max_bytes.
absl::StatusOr<std::string> ReadChangeFileOf(
    const std::filesystem::path& folder, const std::string& name,
    uint64_t max_bytes);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_CHANGES_READ_CHANGES_H_
