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

// How lists are asked for in a space.
struct SpaceQuery {
  std::vector<float> vector;
  // Rows that the list leaves out, in any order.
  std::span<const Row> seen;
};

// Predicts vectors of items that only have content, in a table that was
// learned from interactions: the mean of what the 10 items of nearest content
// have there, weighted by the fourth power of the cosine, at their mean length
// (neighbours disagree, so that a plain mean is short, and new items are never
// found). Ridge regression on the content vectors was measured to find less.
// Views the bundle and is thread-safe.
class VectorPredictor {
 public:
  // `table` is indexed by the rows of `content`. `last_is_bias`: the last
  // coordinate is not part of the length.
  VectorPredictor(const EmbeddingSpace& content, const VectorTable& table,
                  bool last_is_bias, uint32_t threads);

  // Chooses the factor of predicted lengths so that new items neither flood
  // lists nor vanish from them: items that are known, predicted as if they were
  // new, are to be among the first 50 of these queries half as often as with
  // the vectors that they have. Without queries it stays 1.
  absl::Status Calibrate(std::span<const SpaceQuery> queries);

  // For items with these vectors in the content space. Items without a
  // neighbour of cosine above 0 get no vector. The result does not depend on
  // `threads`.
  absl::StatusOr<TrainedVectors> Predict(const TrainedVectors& items) const;

 private:
  // A known item beside a query.
  struct Trial {
    // What it scores, and with a predicted vector: the first part grows with
    // the factor.
    double real;
    double predicted;
    double bias;
    // The score of the list's last item.
    double last;
  };

  TrainedVectors SampleKnown() const;
  absl::Status Try(const SpaceQuery& query, const TrainedVectors& predicted,
                   std::vector<Trial>* trials) const;
  absl::StatusOr<TrainedVectors> Predict(const TrainedVectors& items,
                                         bool leave_out_itself) const;
  // How much of the vector is a direction.
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
