// The readers behind ReadDataSet, one for each kind of data; errors are as
// documented there.
#ifndef TRIBUTARY_INDEX_DATA_DATA_READERS_H_
#define TRIBUTARY_INDEX_DATA_DATA_READERS_H_

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/data/data_set.h"
#include "index/data/data_set_builder.h"
#include "index/data/malformed_lines.h"

namespace tributary {

// What the column of items' keys is called in csv files.
inline const std::initializer_list<std::string_view> kItemKeyColumns = {
    "item", "item_id", "item_key"};

// The package index of this machine, as `apt-cache dumpavail` prints it, or
// such stanzas from `file` when that is not empty. Source packages are users;
// binary packages are items, with name, tags, section and the description's
// first line as features; the first alternatives of Depends, Pre-Depends and
// Recommends are interactions. NOT_FOUND when there is no package.
absl::StatusOr<DataSet> ReadDebian(const std::string& file,
                                   MalformedLines* malformed);

// RecBole's atomic files: *.inter, and *.item and *.user where there are any.
// Format: https://recbole.io/docs/user_guide/data/atomic_files.html
absl::StatusOr<DataSet> ReadRecBole(const std::filesystem::path& dir,
                                    MalformedLines* malformed);

// MovieLens as published by GroupLens: 100k (u.data, ...), 1M and 10M
// (ratings.dat, ...) or csv (ratings.csv, ...).
absl::StatusOr<DataSet> ReadMovieLens(const std::filesystem::path& dir,
                                      MalformedLines* malformed);

// interactions.csv (columns user, item; value and timestamp optional), and
// items.csv and users.csv where there are any: a key and features.
absl::StatusOr<DataSet> ReadCsv(const std::filesystem::path& dir,
                                MalformedLines* malformed);

// Vectors made elsewhere: <space>.items.npy, optional <space>.users.npy,
// items.ids.txt, users.ids.txt (one key a line; default: row numbers),
// popularity.csv (columns item, score) and interactions.csv. Beyond the errors
// of ReadDataSet: INVALID_ARGUMENT naming file and row for NaN or infinity,
// file and line for a key that comes twice.
absl::StatusOr<DataSet> ReadVectors(const std::filesystem::path& dir,
                                    MalformedLines* malformed);

// False for what cannot be looked at, too.
bool Exists(const std::filesystem::path& path);

// Adds the interactions of an interactions.csv. Lines with an item or a user
// that the builder does not have yet are malformed where `known_..._only`.
absl::Status ReadInteractionsCsv(const std::filesystem::path& path,
                                 bool known_items_only, bool known_users_only,
                                 DataSetBuilder* builder,
                                 MalformedLines* malformed);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_DATA_READERS_H_
