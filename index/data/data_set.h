// The data that a bundle is built from, whatever files they were read from.
#ifndef TRIBUTARY_INDEX_DATA_DATA_SET_H_
#define TRIBUTARY_INDEX_DATA_DATA_SET_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/key_table.h"
#include "index/bundle/row.h"

namespace tributary {

struct Interaction {
  Row user;
  Row item;
  // Rating, count or outcome; 1 where the data have none. Finite.
  float value;
  // Seconds since 1970; 0 where the data have no times.
  int64_t time_s;
};

// A feature column of items or of users, with one value per row.
struct FeatureColumn {
  enum class Kind {
    // Free text, of which the words count.
    kText,
    // One or several categories.
    kTokens,
    // A number; NaN where missing.
    kNumber,
  };
  std::string name;
  Kind kind;
  // kText: one string per row. kTokens: the row's categories, separated by
  // '\x1f'. Empty where missing.
  std::vector<std::string> text;
  std::vector<float> numbers;
};

// Vectors that were trained elsewhere (vectors:DIR).
struct GivenSpace {
  std::string name;
  uint32_t dim;
  std::vector<float> items;  // [n_items, dim]
  std::vector<float> users;  // [n_users, dim], or empty
};

// Interactions, features and keys. Rows are in the order of keys. Every
// interaction's user and item is in the key lists.
struct DataSet {
  KeyList items;
  KeyList users;
  // Sorted by user, then time, then order of input.
  std::vector<Interaction> interactions;
  bool has_times = false;
  std::vector<FeatureColumn> item_features;
  std::vector<FeatureColumn> user_features;
  std::vector<GivenSpace> spaces;
  // By item: the popularity that came with the data (vectors:DIR), or empty.
  std::vector<float> item_popularity;
  // "file:line: reason" of the first few lines that were skipped, and the
  // number of all skipped lines.
  std::vector<std::string> malformed;
  uint64_t malformed_lines = 0;
};

// Reads DATA: "debian", "recbole:DIR", "movielens:DIR", "csv:DIR",
// "vectors:DIR" or "synthetic[:SEED]". Errors: INVALID_ARGUMENT for any other
// form; NOT_FOUND naming the missing file or column; DATA_LOSS when a file has
// more than `max_malformed_lines` malformed lines, naming the first of them.
absl::StatusOr<DataSet> ReadDataSet(std::string_view data,
                                    uint32_t max_malformed_lines);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_DATA_SET_H_
