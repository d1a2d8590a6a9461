// Reads tables of interactions and of features, by the names of their columns,
// and reports what was understood of them. Every kind of data with a header
// goes through here.
#ifndef TRIBUTARY_INDEX_DATA_READ_TABLES_H_
#define TRIBUTARY_INDEX_DATA_READ_TABLES_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "index/data/column_roles.h"
#include "index/data/data_set_builder.h"
#include "index/data/input_report.h"
#include "index/data/malformed_lines.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// What all tables of a data set are read with. Pointers are not null.
struct TableContext {
  const v1::Input* input;
  MalformedLines* malformed;
  InputReport* report;
  // The present, in seconds since 1970.
  int64_t now_s;
  // The names of all columns of features are added here.
  std::vector<std::string>* feature_columns;
};

// How a table's files are written.
struct TableForm {
  // RecBole's: separated by tabs, without quotes, and with a header of
  // name:type.
  bool typed_header = false;
};

// Which keys interactions may have.
struct KnownKeys {
  // A record whose item, or whose user, the builder does not have yet is
  // malformed.
  bool items_only = false;
  bool users_only = false;
};

// How many interactions there are, by the number of their item's and of their
// user's key. Shorter than the keys when the last ones have none.
struct InteractionCounts {
  std::vector<uint64_t> of_items;
  std::vector<uint64_t> of_users;
};

// Adds the interactions of all files, which are read as one table. Counts them
// by the numbers of their keys, unless `counts` is null. Errors: those of
// DelimitedFile, FindRoles and TimeProfile; INVALID_ARGUMENT when headers
// differ, or no file has a record.
absl::Status ReadInteractions(std::span<const std::filesystem::path> files,
                              TableForm form, KnownKeys known,
                              const TableContext& context,
                              DataSetBuilder* builder,
                              InteractionCounts* counts = nullptr);

// Which rows a table of features may have.
enum class FeatureRows {
  // Keys that are new join the data.
  kAny,
  // A record whose key is not known yet is malformed.
  kKnown,
};

// Adds the features of all files, which are read as one table: a column of
// keys of the role kUser or kItem, and features in the other columns. `counts`
// are those of interactions by the number of their key, to compare with: warns
// when more than 1 % of the interactions have a key that the table lacks;
// INVALID_ARGUMENT, with an example of each, when all do. Warns of keys that
// occur twice, of which a later line replaces what it has. Other errors: those
// of DelimitedFile and FindKeyColumn.
absl::Status ReadFeatures(std::span<const std::filesystem::path> files,
                          TableForm form, Role role,
                          std::span<const uint64_t> counts,
                          const TableContext& context, KeyNumbers* keys,
                          FeatureTable* features,
                          FeatureRows rows = FeatureRows::kAny);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_READ_TABLES_H_
