// The readers behind ReadDataSet, one for each kind of data. Their errors are
// those of ReadDataSet.
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

// The accepted names of the column of item keys in csv files.
inline const std::initializer_list<std::string_view> kItemKeyColumns = {
    "item", "item_id", "item_key"};

// The package index of this machine, as `apt-cache dumpavail` prints it, or
// such stanzas from `file` when that is not empty. Source packages are users;
// binary packages are items, with name, tags, section and the description's
// first line as features; the first alternatives of Depends, Pre-Depends and
// Recommends are interactions. NOT_FOUND when there is no package.
absl::StatusOr<DataSet> ReadDebian(const std::string& file,
                                   MalformedLines* malformed);

// RecBole's atomic files: *.inter, and optionally *.item and *.user.
// Format: https://recbole.io/docs/user_guide/data/atomic_files.html
absl::StatusOr<DataSet> ReadRecBole(const std::filesystem::path& dir,
                                    MalformedLines* malformed);

// MovieLens as published by GroupLens: 100k (u.data, ...), 1M and 10M
// (ratings.dat, ...) or csv (ratings.csv, ...).
absl::StatusOr<DataSet> ReadMovieLens(const std::filesystem::path& dir,
                                      MalformedLines* malformed);

// interactions.csv (columns user, item; value and timestamp optional), and
// optionally items.csv and users.csv: a key column and feature columns.
absl::StatusOr<DataSet> ReadCsv(const std::filesystem::path& dir,
                                MalformedLines* malformed);

// Vectors trained elsewhere: <space>.items.npy, optional <space>.users.npy,
// items.ids.txt, users.ids.txt (one key a line; default: row numbers),
// popularity.csv (columns item, score) and interactions.csv. Beyond the errors
// of ReadDataSet: INVALID_ARGUMENT naming file and row for NaN or infinity,
// file and line for a duplicate key.
absl::StatusOr<DataSet> ReadVectors(const std::filesystem::path& dir,
                                    MalformedLines* malformed);

// Whether the path exists. Also false when it cannot be looked at.
bool Exists(const std::filesystem::path& path);

// Adds the interactions of an interactions.csv. With `known_items_only`, a line
// whose item the builder does not have yet is malformed; likewise for users.
absl::Status ReadInteractionsCsv(const std::filesystem::path& path,
                                 bool known_items_only, bool known_users_only,
                                 DataSetBuilder* builder,
                                 MalformedLines* malformed);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_DATA_READERS_H_
