// Stores and how versions move between them and a host's bundle directory.
// This folder may depend on index/bundle and index/search.
#ifndef TRIBUTARY_INDEX_PUBLISH_STORE_H_
#define TRIBUTARY_INDEX_PUBLISH_STORE_H_

#include <cstdint>
#include <filesystem>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary {

// A directory of versions with CURRENT: a store, or a server's bundles.
//
// CURRENT names the active version: one decimal line. 0 when there is no such
// file yet. DATA_LOSS when it holds something else.
absl::StatusOr<uint64_t> ReadCurrent(const std::filesystem::path& root);
// Replaces CURRENT by rename, synced.
absl::Status WriteCurrent(const std::filesystem::path& root, uint64_t version);

// The versions that are complete (have a manifest), ascending.
absl::StatusOr<std::vector<uint64_t>> ListVersions(
    const std::filesystem::path& root);

// All the checks there are: VerifyBundle and TrySearches.
absl::Status VerifyVersion(const std::filesystem::path& bundle_dir);

// Copies a version's directory into `root` under its number: into a hidden
// directory first, verified there, synced, then renamed. Nothing happens when
// root has the same version with the same manifest; ALREADY_EXISTS when with
// another one. Other errors: VerifyVersion's, RESOURCE_EXHAUSTED when the disk
// is full.
absl::Status CopyVersion(const std::filesystem::path& bundle_dir,
                         const std::filesystem::path& root);

// CopyVersion to the store, then WriteCurrent.
absl::Status Publish(const std::filesystem::path& bundle_dir,
                     const std::filesystem::path& store);

// Removes a version's directory so that no reader sees half of it, and
// leftovers of copies that were cut off.
absl::Status RemoveVersion(const std::filesystem::path& root, uint64_t version);
absl::Status RemoveLeftovers(const std::filesystem::path& root);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_STORE_H_
