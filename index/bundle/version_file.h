#ifndef TRIBUTARY_INDEX_BUNDLE_VERSION_FILE_H_
#define TRIBUTARY_INDEX_BUNDLE_VERSION_FILE_H_

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary {

// A file that holds one version number in decimal, and a newline: CURRENT, for
// one. 0 when its directory has no such file. Errors: NOT_FOUND when there is
// no such directory; DATA_LOSS when the file holds something else.
absl::StatusOr<uint64_t> ReadVersionFile(const std::filesystem::path& path);

// Of such a file's contents; DATA_LOSS, naming `what`, for any other.
absl::StatusOr<uint64_t> ParseVersionFile(std::string_view text,
                                          std::string_view what);

// Replaces the file by rename, synced. REQUIRES: version > 0.
absl::Status WriteVersionFile(const std::filesystem::path& path,
                              uint64_t version);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_VERSION_FILE_H_
