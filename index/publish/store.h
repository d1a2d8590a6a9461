// Stores and how versions move between them and a host's bundle directory.
// This folder may depend on index/bundle and index/search.
#ifndef TRIBUTARY_INDEX_PUBLISH_STORE_H_
#define TRIBUTARY_INDEX_PUBLISH_STORE_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary {

// A directory of versions with CURRENT: a store, or a server's bundles. A
// version's directory is named by its number in decimal, from 1; whatever else
// is there is ignored. Functions here may be called from any thread and any
// process; what they change is synced when they return.
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

// All the checks there are: VerifyBundle, TryTowers and TrySearches.
absl::Status VerifyVersion(const std::filesystem::path& bundle_dir);

// Of the manifest's bytes: two versions with the same one have the same files.
absl::StatusOr<std::string> ManifestSha256(
    const std::filesystem::path& bundle_dir);

// Copies a version's directory into `root` (made if need be) under its number:
// the files of its manifest go into a hidden directory, are synced and verified
// there, and the directory is renamed. Nothing happens when root has the same
// version with the same manifest. Errors: ALREADY_EXISTS when with another one;
// DATA_LOSS when the directory's name is not the version, or a file is not a
// regular one; VerifyVersion's, for the copy; RESOURCE_EXHAUSTED when the disk
// is full; NOT_FOUND only when there is no bundle_dir or no manifest in it.
absl::Status CopyVersion(const std::filesystem::path& bundle_dir,
                         const std::filesystem::path& root);

// CopyVersion to the store, then WriteCurrent.
absl::Status Publish(const std::filesystem::path& bundle_dir,
                     const std::filesystem::path& store);

// Removes a version's directory so that no reader sees half of it. NOT_FOUND
// when there is none.
absl::Status RemoveVersion(const std::filesystem::path& root, uint64_t version);

// Removes what copies and removals that were cut off left in hidden
// directories. One is left alone while the process that made it holds its lock.
absl::Status RemoveLeftovers(const std::filesystem::path& root);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_STORE_H_
