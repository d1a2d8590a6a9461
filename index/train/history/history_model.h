#ifndef TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_MODEL_H_
#define TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_MODEL_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/data/random.h"
#include "index/tower/decayed_sums.h"
#include "index/train/history/history_batch.h"
#include "index/train/history/history_data.h"

namespace tributary {

// The history tower. A user is a vector made from the history's items j,
//
//   h = (e^log_scale * sum of w_j * inputs_j, 1),
//
// with weights w of norm 1 that decay with an item's rank; or several such w,
// each for some of the columns (see DecayedSums). An item's score is
// h . outputs_i, whose last coordinate is the item's bias. Rows are `dim`
// values, end to end; the last value of an input is 0. The common scale of all
// inputs is redundant and lets them grow in fewer steps.
struct HistoryModel {
  uint32_t dim = 0;
  float log_scale = 0;
  std::vector<float> inputs;
  std::vector<float> outputs;

  HistoryModel(size_t items, uint32_t dim, Random* random);

  std::span<const float> input(size_t item) const {
    return std::span(inputs).subspan(item * dim, dim);
  }
  // Multiplies the inputs by e^log_scale, and sets log_scale to 0.
  void FoldScale();
};

// Writes h for a history, newest item last. An empty one gives zeros and the 1.
// REQUIRES: `sums` are of dim - 1 values and as long as the history; out has
// dim values.
void EncodeHistory(const HistoryModel& model, std::span<const uint32_t> history,
                   const DecayedSums& sums, std::span<float> out);

// The loss of a batch and its gradients. With t the target weights of a user
// and s the scores of the batch's candidates, less their log_probabilities if
// any,
//
//   loss = mean over users of  - sum of t_i * log softmax(s)_i,
//   dloss / ds_i = ((sum of t) * softmax(s)_i - t_i) / users.
//
// Everything else is linear: the gradients of outputs are ds' H, those of the
// users' vectors ds * outputs, and those of inputs the latter times the history
// weights. All are products of matrices, in blocks of 128 candidates that stay
// in the second-level cache. Matrices are kept from batch to batch. Results do
// not depend on `threads`.
class HistoryGradients {
 public:
  explicit HistoryGradients(uint32_t threads) : threads_(threads) {}

  double Compute(const HistoryModel& model, const HistoryBatch& batch);

  // [batch.inputs.size(), dim] and [batch.candidates.size(), dim].
  const std::vector<float>& inputs() const { return inputs_; }
  const std::vector<float>& outputs() const { return outputs_; }
  float log_scale() const { return log_scale_; }

 private:
  // The part of some users in the loss, and in its gradient by log_scale.
  struct Part {
    double loss = 0;
    double log_scale = 0;
  };

  void GatherCandidates(const HistoryModel& model, const HistoryBatch& batch);
  Part ComputeUsers(const HistoryModel& model, const HistoryBatch& batch,
                    size_t begin, size_t end);
  double ScoreGradients(const HistoryBatch& batch, size_t user);
  void ComputeOutputs(size_t users, size_t dim, size_t block);
  void ComputeInputs(const HistoryModel& model, const HistoryBatch& batch,
                     size_t begin, size_t end);
  float* Scores(size_t block, size_t user);
  size_t BlockSize(size_t block) const;

  const uint32_t threads_;
  size_t users_ = 0;
  size_t candidates_ = 0;
  // The candidates' vectors, and the same transposed within each block.
  std::vector<float> vectors_;
  std::vector<float> transposed_;
  // By block of candidates, [users, block]: scores, then their gradients.
  std::vector<float> scores_;
  // [users, dim]
  std::vector<float> encoded_;
  std::vector<float> encoded_gradients_;
  std::vector<Part> parts_;
  float log_scale_ = 0;
  std::vector<float> inputs_;
  std::vector<float> outputs_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_MODEL_H_
