#ifndef TRIBUTARY_INDEX_BUNDLE_VERSION_FILE_H_
#define TRIBUTARY_INDEX_BUNDLE_VERSION_FILE_H_

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary {

// Reads a version file, such as CURRENT: one version number in decimal, and a
// newline. Returns 0 if its directory has no such file. NOT_FOUND when there is
// no such directory; DATA_LOSS when the file holds anything else.
absl::StatusOr<uint64_t> ReadVersionFile(const std::filesystem::path& path);

// Parses the contents of a version file. DATA_LOSS, naming `what`, when they
// are anything else.
absl::StatusOr<uint64_t> ParseVersionFile(std::string_view text,
                                          std::string_view what);

// Replaces the file atomically, synced. REQUIRES: version > 0.
absl::Status WriteVersionFile(const std::filesystem::path& path,
                              uint64_t version);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_VERSION_FILE_H_
