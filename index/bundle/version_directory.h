// A directory of versions with CURRENT, on this host or mounted: a store, or a
// server's bundles.
#ifndef TRIBUTARY_INDEX_BUNDLE_VERSION_DIRECTORY_H_
#define TRIBUTARY_INDEX_BUNDLE_VERSION_DIRECTORY_H_

#include <cstdint>
#include <filesystem>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary {

inline constexpr char kCurrentName[] = "CURRENT";

// A version's directory is named by its number in decimal, from 1; whatever
// else is there is ignored. Functions here may be called from any thread and
// any process; what they change is synced when they return.
//
// CURRENT names the active version: one decimal line. 0 when there is no such
// file yet; NOT_FOUND when there is no such directory. DATA_LOSS when it holds
// something else.
absl::StatusOr<uint64_t> ReadCurrent(const std::filesystem::path& root);
// Replaces CURRENT by rename, synced.
absl::Status WriteCurrent(const std::filesystem::path& root, uint64_t version);

// The versions that are complete (have a manifest), ascending. NOT_FOUND when
// there is no such directory.
absl::StatusOr<std::vector<uint64_t>> ListVersions(
    const std::filesystem::path& root);

// One above the highest version in `root`, which is made if need be; 1 for the
// first.
absl::StatusOr<uint64_t> NextVersion(const std::filesystem::path& root);

// <root>/<version>.
std::filesystem::path VersionPath(const std::filesystem::path& root,
                                  uint64_t version);

// Removes a version's directory so that no reader sees half of it. NOT_FOUND
// when there is none.
absl::Status RemoveVersion(const std::filesystem::path& root, uint64_t version);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_VERSION_DIRECTORY_H_
