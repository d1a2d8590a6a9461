#ifndef TRIBUTARY_INDEX_DATA_INTER_FILE_H_
#define TRIBUTARY_INDEX_DATA_INTER_FILE_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/data/data_set.h"

namespace tributary {

struct KeyedInteraction {
  std::string user;
  std::string item;

  friend bool operator==(const KeyedInteraction&,
                         const KeyedInteraction&) = default;
};

// The users and items of a table of interactions, in order of input: a RecBole
// .inter file, or a file with a header as csv:FILE reads it. Values, times and
// other columns are not looked at. Errors: as ReadDataSet.
absl::StatusOr<std::vector<KeyedInteraction>> ReadInterFile(
    const std::filesystem::path& path, uint32_t max_malformed_lines);

// The key as a field of a RecBole file. INVALID_ARGUMENT when it contains a tab
// or a line break.
absl::StatusOr<std::string> InterField(const KeyList& keys, Row row);

// Replaces the file. Errors: as of open(2) and write(2), naming the file.
absl::Status WriteTextFile(const std::filesystem::path& path,
                           std::string_view text);

// Writes interactions of the data set as a RecBole .inter file, as they were
// read: user_id:token item_id:token rating:float, then timestamp:float when
// there are times, and type:token when there are types of event. The column of
// values is named count instead of rating where it would be taken for ratings
// and is none. A value is empty where the interaction has none but others have.
// Errors: as InterField and WriteTextFile.
absl::Status WriteInterFile(const std::filesystem::path& path,
                            const DataSet& data,
                            std::span<const Interaction> interactions);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_INTER_FILE_H_
