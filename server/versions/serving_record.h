#ifndef TRIBUTARY_SERVER_VERSIONS_SERVING_RECORD_H_
#define TRIBUTARY_SERVER_VERSIONS_SERVING_RECORD_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/versions/user_buckets.h"

namespace tributary {

// What a server remembers beside CURRENT, in <bundles>/SERVING: lines of text
// and their SHA-256. CURRENT alone says what serves.
inline constexpr char kServingRecordName[] = "SERVING";
inline constexpr size_t kMaxServed = 100;
inline constexpr size_t kMaxLabels = 16;
inline constexpr size_t kMaxLabelBytes = 63;
// The active version's; no label may be called so.
inline constexpr std::string_view kStableLabel = "stable";

struct LabelRecord {
  uint64_t version = 0;
  BucketSet users;

  double share() const {
    return static_cast<double>(users.count()) / kUserBuckets;
  }
  friend bool operator==(const LabelRecord&, const LabelRecord&) = default;
};

struct ServingRecord {
  // The active version, the one that served before it, and so on, each once;
  // at most kMaxServed.
  std::vector<uint64_t> served;
  // By name; at most kMaxLabels. Their users are disjoint.
  std::map<std::string, LabelRecord, std::less<>> labels;

  friend bool operator==(const ServingRecord&, const ServingRecord&) = default;
};

// 1 to kMaxLabelBytes of a-z, 0-9, '-' and '_'.
bool IsLabelName(std::string_view name);

std::string ServingRecordText(const ServingRecord& record);
// DATA_LOSS, saying what is wrong, for anything but such a text.
absl::StatusOr<ServingRecord> ParseServingRecord(std::string_view text);

// Empty when there is no file. DATA_LOSS as above, and the errors of open(2).
absl::StatusOr<ServingRecord> ReadServingRecord(
    const std::filesystem::path& root);
// By rename, synced.
absl::Status WriteServingRecord(const std::filesystem::path& root,
                                const ServingRecord& record);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_SERVING_RECORD_H_
