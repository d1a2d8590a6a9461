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

// The file <bundles>/SERVING, in which a server keeps labels and the order of
// active versions across restarts: lines of text, followed by their SHA-256.
// CURRENT determines the active version; without CURRENT, the record does.
inline constexpr char kServingRecordName[] = "SERVING";
inline constexpr size_t kMaxServed = 100;
inline constexpr size_t kMaxLabels = 16;
inline constexpr size_t kMaxLabelBytes = 63;
// Requests use it for the active version. No label may have this name.
inline constexpr std::string_view kStableLabel = "stable";

struct LabelRecord {
  uint64_t version = 0;
  // Buckets of users who get the version without asking for it.
  BucketSet users;

  // The share of all users, 0 to 1.
  double share() const {
    return static_cast<double>(users.count()) / kUserBuckets;
  }
  friend bool operator==(const LabelRecord&, const LabelRecord&) = default;
};

struct ServingRecord {
  // The active version, the one that was active before it, and so on; each
  // version once, at most kMaxServed.
  std::vector<uint64_t> served;
  // By name; at most kMaxLabels. No bucket of users has two labels.
  std::map<std::string, LabelRecord, std::less<>> labels;

  friend bool operator==(const ServingRecord&, const ServingRecord&) = default;
};

// Whether `name` has 1 to kMaxLabelBytes characters of a-z, 0-9, '-' and '_'
// and is not kStableLabel.
bool IsLabelName(std::string_view name);

// The contents of the file.
std::string ServingRecordText(const ServingRecord& record);
// The inverse of ServingRecordText. DATA_LOSS, with the reason, for any other
// text.
absl::StatusOr<ServingRecord> ParseServingRecord(std::string_view text);

// Reads <root>/SERVING. Without the file, the record is empty. Errors:
// DATA_LOSS, as ParseServingRecord, and those of open(2).
absl::StatusOr<ServingRecord> ReadServingRecord(
    const std::filesystem::path& root);
// Replaces <root>/SERVING atomically and durably. Errors are those of
// WriteFileDurably.
absl::Status WriteServingRecord(const std::filesystem::path& root,
                                const ServingRecord& record);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_SERVING_RECORD_H_
