#ifndef TRIBUTARY_INDEX_ASSEMBLE_PREDICT_VECTORS_H_
#define TRIBUTARY_INDEX_ASSEMBLE_PREDICT_VECTORS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "index/bundle/row.h"
#include "index/bundle/vector_table.h"
#include "index/train/trainer.h"

namespace tributary {

// A query of a space, as requests bring it.
struct SpaceQuery {
  std::vector<float> vector;
  // Rows that are excluded from the list, in any order.
  std::span<const Row> seen;
};

// Predicts vectors, in a table that was learned from interactions, for items
// that only have content. An item's prediction is the mean of the vectors of
// the 10 items with the nearest content, weighted by the fourth power of the
// cosine and scaled to their mean length: neighbours disagree, so that a plain
// mean is short and new items would never be found. Ridge regression on the
// content vectors was measured to find less. Views the bundle and is
// thread-safe.
class VectorPredictor {
 public:
  // `table` is indexed by the rows of `content`. With `last_is_bias` the last
  // coordinate is a bias and not part of the length.
  VectorPredictor(const EmbeddingSpace& content, const VectorTable& table,
                  bool last_is_bias, uint32_t threads);

  // Chooses the factor of predicted lengths so that new items neither flood
  // lists nor vanish from them: in a leave-one-out check on known items,
  // predicted vectors reach the top 50 of these queries half as often as the
  // items' real vectors do. Without queries the factor is 1.
  absl::Status Calibrate(std::span<const SpaceQuery> queries);

  // For items with these vectors in the content space. Items without a
  // neighbour of cosine above 0 get no vector. The result does not depend on
  // `threads`.
  absl::StatusOr<TrainedVectors> Predict(const TrainedVectors& items) const;

 private:
  // How a known item scores for a query, with its real vector and with its
  // predicted one: factor * predicted + bias.
  struct Comparison {
    double real;
    double predicted;
    double bias;
    // The score of the last item of the query's list.
    double last;
  };

  TrainedVectors SampleKnown() const;
  absl::Status Compare(const SpaceQuery& query, const TrainedVectors& predicted,
                       std::vector<Comparison>* comparisons) const;
  absl::StatusOr<TrainedVectors> Predict(const TrainedVectors& items,
                                         bool exclude_itself) const;
  // How many coordinates are not the bias.
  size_t directions() const { return table_.dim() - (last_is_bias_ ? 1 : 0); }
  bool Average(std::span<const ScoredRow> neighbors,
               std::span<float> out) const;

  const EmbeddingSpace& content_;
  const VectorTable& table_;
  bool last_is_bias_;
  uint32_t threads_;
  double length_factor_ = 1;
  // Rows with content but without a vector in the table, ascending.
  std::vector<Row> excluded_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_PREDICT_VECTORS_H_
