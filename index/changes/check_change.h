#ifndef TRIBUTARY_INDEX_CHANGES_CHECK_CHANGE_H_
#define TRIBUTARY_INDEX_CHANGES_CHECK_CHANGE_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// Keys of items and users in changes, in bytes.
inline constexpr size_t kMaxChangedKeyBytes = 512;
inline constexpr size_t kMaxReasonBytes = 200;
// Of SetAttributes.
inline constexpr int kMaxSetAttributes = 64;
inline constexpr int kMaxSetTags = 1024;
inline constexpr size_t kMaxSetBytes = size_t{64} << 10;
// Of UpsertItem.
inline constexpr int kMaxUpsertColumns = 256;
inline constexpr size_t kMaxUpsertFeatureBytes = size_t{256} << 10;
inline constexpr int kMaxUpsertVectors = 16;
// As many dimensions as a space may have.
inline constexpr int kMaxUpsertDim = 4096;
// Of UserEvent.
inline constexpr size_t kMaxEventTypeBytes = 64;

// OK if the change says what it must, within the bounds that changes.proto
// states, and this program knows what it does. INVALID_ARGUMENT whose message
// begins with the field's path below `path`: `changes[3].item`.
absl::Status CheckChange(const v1::Change& change, std::string_view path);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_CHANGES_CHECK_CHANGE_H_
