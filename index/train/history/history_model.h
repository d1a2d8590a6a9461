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

// The history tower. A user is h = (e^log_scale * sum of w_j * inputs_j over
// the history, 1) with w of norm 1, or several such w, each for some of the
// columns (see DecayedSums); an item's score is h . outputs_i, whose
// last coordinate is its bias. Rows are `dim` values, end to end; the last of
// an input is 0. That all inputs have a scale in common is redundant, and lets
// them grow in fewer steps.
struct HistoryModel {
  uint32_t dim = 0;
  float log_scale = 0;
  std::vector<float> inputs;
  std::vector<float> outputs;

  HistoryModel(size_t items, uint32_t dim, Random* random);

  std::span<const float> input(size_t item) const {
    return std::span(inputs).subspan(item * dim, dim);
  }
  // Multiplies the inputs by their scale, which becomes 1.
  void FoldScale();
};

// Writes h for a history, newest last; zeros before the 1 for an empty one.
// REQUIRES: `sums` are of dim - 1 values and as long as the history; out has
// dim values.
void EncodeHistory(const HistoryModel& model, std::span<const uint32_t> history,
                   const DecayedSums& sums, std::span<float> out);

// The loss of a batch and its gradients: over users, the mean of
// sum of t_i * -log softmax(scores)_i, t being the target weights. Keeps its
// matrices from batch to batch. Results do not depend on `threads`.
class HistoryGradients {
 public:
  explicit HistoryGradients(uint32_t threads) : threads_(threads) {}

  double Compute(const HistoryModel& model, const HistoryBatch& batch);

  // [batch.inputs.size(), dim] and [batch.candidates.size(), dim].
  const std::vector<float>& inputs() const { return inputs_; }
  const std::vector<float>& outputs() const { return outputs_; }
  float log_scale() const { return log_scale_; }

 private:
  // What some users add to the loss, and to its gradient by log_scale.
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
  // Of the candidates: their vectors, and by block the same transposed.
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
