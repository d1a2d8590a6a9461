// A directory of versions, with the file CURRENT, on this host or mounted: a
// store, or a server's bundles.
//
// A version's directory is named by its number in decimal, from 1; other names
// are passed over. CURRENT holds the number of the active version, as one line.
//
// The functions may be called by any thread of any process at the same time.
// Changes are synced before a function returns.
#ifndef TRIBUTARY_INDEX_BUNDLE_VERSION_DIRECTORY_H_
#define TRIBUTARY_INDEX_BUNDLE_VERSION_DIRECTORY_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tributary {

inline constexpr char kCurrentName[] = "CURRENT";
// Where a server keeps the sets of items that requests may exclude by name.
inline constexpr char kItemSetsName[] = "item-sets";

// The version in CURRENT, or 0 if `root` has no such file. NOT_FOUND when there
// is no directory `root`; DATA_LOSS when the file holds anything else.
absl::StatusOr<uint64_t> ReadCurrent(const std::filesystem::path& root);
// Replaces CURRENT atomically.
absl::Status WriteCurrent(const std::filesystem::path& root, uint64_t version);

// The complete versions (those with a manifest), ascending. NOT_FOUND when
// there is no directory `root`.
absl::StatusOr<std::vector<uint64_t>> ListVersions(
    const std::filesystem::path& root);

// A directory in a directory of versions that is no complete version.
struct PassedOver {
  std::string name;
  // A clause, such as "it has no manifest.json".
  std::string reason;
};
// The directories in `root` that ListVersions passes over, by name. Hidden ones
// are not among them, nor kItemSetsName. Empty when `root` cannot be listed.
std::vector<PassedOver> ListPassedOver(const std::filesystem::path& root);

// INVALID_ARGUMENT, naming `field`, when `root` is not a directory of versions
// but one version: it has a manifest itself. OK otherwise, also without `root`.
absl::Status CheckVersionsRoot(std::string_view field,
                               const std::filesystem::path& root);
// The reverse, for errors about a bundle's directory: when `dir` has no
// manifest but complete versions, says so and names them; else empty.
std::string HintOfVersions(const std::filesystem::path& dir);

// One above the highest complete version in `root`, or 1 if there is none.
// Creates `root` if it does not exist. OUT_OF_RANGE when there is no number
// above.
absl::StatusOr<uint64_t> NextVersion(const std::filesystem::path& root);

// <root>/<version>.
std::filesystem::path VersionPath(const std::filesystem::path& root,
                                  uint64_t version);

// Removes a version's directory such that no reader sees a part of it.
// NOT_FOUND when the version does not exist.
absl::Status RemoveVersion(const std::filesystem::path& root, uint64_t version);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_VERSION_DIRECTORY_H_
