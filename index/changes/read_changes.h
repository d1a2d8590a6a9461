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
#include "tributary/v1/changes.pb.h"

namespace tributary {

// Keys of items and users in changes, reasons, and types of events are at most
// this long.
inline constexpr size_t kMaxChangedKeyBytes = 512;
inline constexpr size_t kMaxReasonBytes = 200;
inline constexpr size_t kMaxEventTypeBytes = 64;

// OK if the change says what it must, and this program knows what it does. The
// message begins with the field's path below `path`.
absl::Status CheckChange(const v1::Change& change, std::string_view path);

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
// along, and reads only the segments that have them. A caller applies what it
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

// A segment of the folder. DATA_LOSS when it is not the one that `entry` names.
absl::StatusOr<v1::ChangeSegment> ReadChangeSegment(
    const ChangeSegmentEntry& entry, const std::filesystem::path& folder);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_CHANGES_READ_CHANGES_H_
