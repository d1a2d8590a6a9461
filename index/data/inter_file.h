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
#include "index/data/data_set_builder.h"
#include "index/data/delimited_file.h"

namespace tributary {

struct KeyedInteraction {
  std::string user;
  std::string item;

  friend bool operator==(const KeyedInteraction&,
                         const KeyedInteraction&) = default;
};

// A RecBole file: tab-separated, with a header of name:type. Reads the header
// and splits names from types.
struct RecBoleFile {
  DelimitedFile file;
  std::vector<std::string> names;
  std::vector<std::string> types;

  // The first column of type token that has one of the names or begins with
  // `prefix`. NOT_FOUND, naming the file, when there is none.
  absl::StatusOr<size_t> KeyColumn(std::string_view prefix) const;
  // The column of that name and type, if there is one.
  std::optional<size_t> Column(std::string_view name,
                               std::string_view type) const;
};
absl::StatusOr<RecBoleFile> OpenRecBoleFile(const std::filesystem::path& path,
                                            MalformedLines* malformed);

// The users and items of a RecBole .inter file, in order of input. Errors: as
// ReadDataSet.
absl::StatusOr<std::vector<KeyedInteraction>> ReadInterFile(
    const std::filesystem::path& path, uint32_t max_malformed_lines);

// The key as a field of a RecBole file. INVALID_ARGUMENT when it contains a tab
// or a line break.
absl::StatusOr<std::string> InterField(const KeyList& keys, Row row);

// Replaces the file. Errors: as of open(2) and write(2), naming the file.
absl::Status WriteTextFile(const std::filesystem::path& path,
                           std::string_view text);

// Writes interactions of the data set as a RecBole .inter file: user_id:token
// item_id:token rating:float, and timestamp:float when there are times.
// Errors: as InterField and WriteTextFile.
absl::Status WriteInterFile(const std::filesystem::path& path,
                            const DataSet& data,
                            std::span<const Interaction> interactions);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_INTER_FILE_H_
