// The data that a bundle is built from, whatever files they were read from.
#ifndef TRIBUTARY_INDEX_DATA_DATA_SET_H_
#define TRIBUTARY_INDEX_DATA_DATA_SET_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/key_table.h"
#include "index/bundle/row.h"
#include "index/data/attribute_data.h"
#include "index/data/column_kind.h"
#include "index/data/feedback_summary.h"
#include "index/data/input_report.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

struct Interaction {
  Row user;
  Row item;
  // What the interaction says: above 0 that the user wanted the item, and how
  // much that counts; below 0 that the user rejected it; 0 only that the user
  // has seen it. Finite.
  float weight;
  // The number of the record that it was made from: see DataSet.values.
  uint32_t record;
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

// Vectors that were trained elsewhere: values[i * dim, (i + 1) * dim) are those
// of rows[i]. Rows ascend, each once.
struct GivenVectors {
  std::vector<Row> rows;
  std::vector<float> values;
};

// A space that was trained elsewhere (vectors:DIR, or Input.vectors).
struct GivenSpace {
  std::string name;
  uint32_t dim = 0;
  v1::Metric metric = v1::INNER_PRODUCT;
  GivenVectors items;
  // Empty where users have no vectors of their own.
  GivenVectors users;
};

// In the order of their columns. Shared by the copies of a data set.
using ItemAttributes = std::vector<std::shared_ptr<const AttributeData>>;

// Interactions, features and keys. Rows are in the order of keys. Every
// interaction's user and item is in the key lists.
struct DataSet {
  KeyList items;
  KeyList users;
  // Sorted by user, then time, then order of input. A user and an item may
  // occur several times: what repeats add up to is limited already (see
  // feedback.h), so that sums of weights are what a user says of an item.
  std::vector<Interaction> interactions;
  bool has_times = false;
  // What the interactions were made from, by Interaction.record. Values are
  // ratings, counts or outcomes, NaN where a record has none; empty when all
  // are 1 or absent. Types are positions in type_names, whose first is "" for
  // records without a type; empty when no record has one.
  std::vector<float> values;
  std::vector<uint16_t> types;
  std::vector<std::string> type_names;
  // The name of the column that values came from, "" where it says nothing.
  std::string value_name;
  // How weights were made from them, and what came of that.
  FeedbackLimits limits;
  FeedbackSummary feedback;
  // The interactions whose weight a limit reduced, by record, ascending.
  std::vector<LimitedWeight> limited;
  std::vector<FeatureColumn> item_features;
  std::vector<FeatureColumn> user_features;
  // What each column of features was read as, those that are ignored included.
  std::vector<ColumnReport> item_columns;
  std::vector<ColumnReport> user_columns;
  // What filters can ask of items.
  ItemAttributes attributes;
  std::vector<GivenSpace> spaces;
  // Whether models are to be trained on the interactions and features. Not of
  // vectors:DIR, which has its models.
  bool trains = true;
  // By item: the popularity that came with the data (vectors:DIR), or empty.
  std::vector<float> item_popularity;
  // "file:line: reason" of the first few lines that were skipped, and the
  // number of all skipped lines.
  std::vector<std::string> malformed;
  uint64_t malformed_lines = 0;
  // What was understood of the input.
  InputReport report;
};

// The interaction's value, 1 where the data have none.
float ValueOf(const DataSet& data, const Interaction& interaction);

// What is read, and how.
struct ReadOptions {
  v1::Input input;
  v1::Feedback feedback;
  uint32_t max_malformed_lines = 0;
  // Whether items get attributes, which only bundles need.
  bool attributes = true;
  // Types of attributes that an earlier bundle has, by the column's name.
  std::map<std::string, v1::AttributeType> earlier_attributes;
};

// Reads DATA: "debian", "recbole:DIR", "movielens:DIR", "csv:DIR",
// "vectors:DIR" or "synthetic[:SEED]". Errors, which name the file, the field
// or the column and what to do: INVALID_ARGUMENT for any other form, for a
// stated setting that does not fit the data, and for input that has a meaning
// in doubt (see time_reading.h, read_tables.h); NOT_FOUND for a missing file or
// column; DATA_LOSS when a file has more malformed records than the options
// allow, naming the first of them; those of InputText::Open and ApplyFeedback.
absl::StatusOr<DataSet> ReadDataSet(std::string_view data,
                                    const ReadOptions& options);

// The same with defaults.
absl::StatusOr<DataSet> ReadDataSet(std::string_view data,
                                    uint32_t max_malformed_lines);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_DATA_SET_H_
