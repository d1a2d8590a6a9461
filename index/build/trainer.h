#ifndef TRIBUTARY_INDEX_BUILD_TRAINER_H_
#define TRIBUTARY_INDEX_BUILD_TRAINER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/build/data_set.h"
#include "index/bundle/row.h"
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
  // In byte order, and what each weighs.
  std::vector<std::string> terms;
  std::vector<float> idf;
  // In C order.
  std::vector<float> projection;
  // The projection's values are of half precision and stored so.
  bool half_projection = false;
};

// What training an embedding space gives.
struct TrainedSpace {
  std::string name;
  uint32_t dim = 0;
  v1::Metric metric = v1::INNER_PRODUCT;
  v1::HistoryEncoder history_encoder = v1::HISTORY_ENCODER_UNSPECIFIED;
  TrainedVectors items;
  TrainedVectors users;
  // The items' values are of half precision and stored so: a search reads half
  // as much. Set by the builder for what it trained itself.
  bool half_items = false;
  // What the manifest keeps of how training went; may be empty.
  std::vector<v1::TrainingPoint> training = {};
  // Where vectors are made from features.
  std::optional<TrainedEncoder> feature_encoder = std::nullopt;
};

// Makes an embedding space from a data set. Equal data and equal settings give
// equal bytes.
class Trainer {
 public:
  virtual ~Trainer() = default;
  // Errors: FAILED_PRECONDITION when the data have nothing to train on (the
  // builder then leaves the space out), INTERNAL naming the setting when
  // training diverges.
  virtual absl::StatusOr<TrainedSpace> Train(const DataSet& data) const = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUILD_TRAINER_H_
