// The folder <bundles>/item-sets: a file for each set of items that requests
// may exclude by name, called as the set is. A file has a head of four lines,
//
//   tributary item set 1
//   put_at_ms <milliseconds since 1970>
//   ids <number of integer keys>
//   texts <number of other keys> <their bytes>
//
// then the parts of ItemKeys, whose numbers have 8 bytes each, the lowest
// first, and a line with the SHA-256 of all before it.
#ifndef TRIBUTARY_SERVER_VERSIONS_ITEM_SET_FILE_H_
#define TRIBUTARY_SERVER_VERSIONS_ITEM_SET_FILE_H_

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/versions/item_keys.h"

namespace tributary {

inline constexpr size_t kMaxItemSets = 64;
inline constexpr size_t kMaxItemSetNameBytes = 63;

// Whether `name` has 1 to kMaxItemSetNameBytes characters of a-z, 0-9, '-' and
// '_'.
bool IsItemSetName(std::string_view name);

// What a file holds. The keys are finished.
struct StoredItemSet {
  ItemKeys keys;
  absl::Time put_at;
};

// The contents of a file.
std::string ItemSetText(const StoredItemSet& set);
// The inverse. DATA_LOSS, with the reason, for any other text.
absl::StatusOr<StoredItemSet> ParseItemSet(std::string_view text);

// The names of the sets in the folder, ascending; none without a folder. Other
// files are passed over; those that an interrupted write left are removed.
std::vector<std::string> ListItemSets(const std::filesystem::path& folder);
// Errors: DATA_LOSS, as ParseItemSet, and those of open(2).
absl::StatusOr<StoredItemSet> ReadItemSet(const std::filesystem::path& folder,
                                          std::string_view name);
// Creates or replaces the set, atomically and durably, and creates the folder
// where there is none. Errors are those of WriteFileDurably.
absl::Status WriteItemSet(const std::filesystem::path& folder,
                          std::string_view name, const StoredItemSet& set);
// Removes the set durably. NOT_FOUND when there is none; errors of unlink(2).
absl::Status RemoveItemSet(const std::filesystem::path& folder,
                           std::string_view name);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_ITEM_SET_FILE_H_
