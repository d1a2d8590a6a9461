#ifndef TRIBUTARY_INDEX_TRAIN_TRAINER_H_
#define TRIBUTARY_INDEX_TRAIN_TRAINER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/key_table.h"
#include "index/bundle/row.h"
#include "index/data/data_set.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Vectors of some of the rows: values is [rows.size(), dim] in C order, rows
// ascending.
struct TrainedVectors {
  std::vector<Row> rows;
  std::vector<float> values;
};

// How item vectors were made from features: see v1::FeatureEncoder.
struct TrainedEncoder {
  v1::FeatureEncoder spec;
  // In byte order, and the weight of each.
  std::vector<std::string> terms;
  std::vector<float> idf;
  // In C order.
  std::vector<float> projection;
  // The projection's values are of half precision and stored so.
  bool half_projection = false;
};

// An array of floats that is stored as <name>.npy. `columns` is 0 for an array
// of one dimension.
struct TrainedArray {
  std::string name;
  std::vector<float> values;
  uint64_t columns = 0;
};

// Makes query vectors from histories when requests are answered.
struct TrainedTower {
  // Complete, as in the manifest.
  v1::Tower spec;
  // <space>.history.npy, in half precision if `half_history`.
  TrainedVectors history;
  bool half_history = false;
  // <space>.context.npy, by user.
  TrainedVectors contexts = {};
};

// A query as requests bring it, and the history and the features of the user
// that it is made from.
struct SampleQuery {
  std::vector<Row> history;
  std::vector<float> vector;
  // In the order of the user tower's features; or none.
  std::vector<v1::GoldenFeature> features = {};
};

// A trained embedding space.
struct TrainedSpace {
  std::string name;
  uint32_t dim = 0;
  v1::Metric metric = v1::INNER_PRODUCT;
  v1::HistoryEncoder history_encoder = v1::HISTORY_ENCODER_UNSPECIFIED;
  TrainedVectors items;
  // Not stored where a user tower makes them.
  TrainedVectors users;
  // Set if history_encoder is TOWER.
  std::optional<TrainedTower> user_tower = {};
  // Queries of an even sample of users, where users have no stored vectors.
  std::vector<SampleQuery> queries = {};
  // Complete; set if it made the items' vectors from features.
  std::optional<v1::Tower> item_tower = {};
  // The files that the towers name or need, and their key tables.
  std::vector<TrainedArray> tower_arrays = {};
  std::vector<std::pair<std::string, KeyList>> tower_keys = {};
  // The items' values are in half precision and stored so: a search reads half
  // as much. Set by the builder for spaces that it trained itself.
  bool half_items = false;
  // The course of training, for the manifest; may be empty.
  std::vector<v1::TrainingPoint> training = {};
  // Set if the items' vectors are made from features.
  std::optional<TrainedEncoder> feature_encoder = std::nullopt;
};

// Makes an embedding space from a data set. Equal data and equal settings give
// equal bytes.
class Trainer {
 public:
  virtual ~Trainer() = default;
  // Errors: FAILED_PRECONDITION when the data have nothing to train on (the
  // bundle then has no such space); INTERNAL, naming the setting, when training
  // diverges.
  virtual absl::StatusOr<TrainedSpace> Train(const DataSet& data) const = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TRAINER_H_
