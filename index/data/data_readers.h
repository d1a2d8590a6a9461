// The readers behind ReadDataSet, one for each kind of data. Their errors are
// those of ReadDataSet. Each returns a builder, whose keys, interactions and
// features are not in the order of rows yet; the caller finishes it.
#ifndef TRIBUTARY_INDEX_DATA_DATA_READERS_H_
#define TRIBUTARY_INDEX_DATA_DATA_READERS_H_

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/data/data_set.h"
#include "index/data/data_set_builder.h"
#include "index/data/malformed_lines.h"
#include "index/data/read_tables.h"

namespace tributary {

// The package index of this machine, as `apt-cache dumpavail` prints it, or
// such stanzas from `file` when that is not empty. Source packages are users;
// binary packages are items, with name, tags, section and the description's
// first line as features; the first alternatives of Depends, Pre-Depends and
// Recommends are interactions. NOT_FOUND when there is no package.
absl::StatusOr<DataSetBuilder> ReadDebian(const std::string& file,
                                          MalformedLines* malformed);

// RecBole's atomic files: *.inter, and optionally *.item and *.user, of a
// directory; or one .inter file, with the *.item and *.user beside it.
// Format: https://recbole.io/docs/user_guide/data/atomic_files.html
absl::StatusOr<DataSetBuilder> ReadRecBole(const std::filesystem::path& where,
                                           const TableContext& context);

// MovieLens as published by GroupLens: 100k (u.data, ...), 1M and 10M
// (ratings.dat, ...) or csv (ratings.csv, ...).
absl::StatusOr<DataSetBuilder> ReadMovieLens(const std::filesystem::path& dir,
                                             const TableContext& context);

// Tables with headers: interactions.csv and optionally items.csv and users.csv
// of a directory, or files of the other names and forms that docs/your_data.md
// lists; or one file of interactions.
absl::StatusOr<DataSetBuilder> ReadCsv(const std::filesystem::path& where,
                                       const TableContext& context);

// Vectors trained elsewhere: <space>.items.npy, optional <space>.users.npy;
// items.ids.txt or items.ids.npy, one key a row (default: row numbers), and
// users.ids.txt or users.ids.npy; popularity.csv (columns item, score),
// interactions.csv, and attributes of items: attribute.<name>.npy, a value for
// each row (see ReadNpyColumn), and the columns of items.csv. Sets *spaces and
// *popularity, whose rows are the numbers of keys. Beyond the errors of
// ReadDataSet: INVALID_ARGUMENT naming file and row for NaN or infinity, file
// and line for a duplicate key, and for users' vectors without keys.
absl::StatusOr<DataSetBuilder> ReadVectors(const std::filesystem::path& dir,
                                           const TableContext& context,
                                           std::vector<GivenSpace>* spaces,
                                           std::vector<float>* popularity);

// Adds the vectors of a directory and attributes that are arrays as ReadVectors
// does, and their keys where the
// builder does not have them yet. Unless the rows' numbers may be keys, items
// need keys, too.
absl::Status ReadVectorSpaces(const std::filesystem::path& dir,
                              bool rows_may_be_keys,
                              const TableContext& context,
                              DataSetBuilder* builder,
                              std::vector<GivenSpace>* spaces);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_DATA_READERS_H_
