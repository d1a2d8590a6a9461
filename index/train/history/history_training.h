#ifndef TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_TRAINING_H_
#define TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_TRAINING_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "index/train/history/history_batch.h"
#include "index/train/history/history_data.h"
#include "index/train/history/history_model.h"
#include "index/train/history/training_kernels.h"

namespace tributary {

// Trains one model by AdamW (Loshchilov, Hutter 2019): every user once an
// epoch, in random order, and one step a batch. The learning rate rises
// linearly over the first 20 steps and falls along a cosine to a twentieth.
// With sampled candidates, only the rows that a batch touches are updated,
// moments and weight decay included: rare items decay less. Views the data,
// which must outlive it. The result depends on the seed and not on `threads`.
class HistoryTraining {
 public:
  HistoryTraining(const HistoryData& data, const HistorySettings& settings,
                  uint64_t seed, uint32_t threads);

  // Trains the next epoch and returns its mean loss. INTERNAL, naming the
  // learning rate, when the loss is not finite. REQUIRES: not done().
  absl::StatusOr<double> RunEpoch();
  uint32_t epochs_run() const { return epochs_run_; }
  bool done() const { return epochs_run_ >= settings_.epochs; }

  const HistoryModel& model() const { return model_; }
  HistoryModel TakeModel() && { return std::move(model_); }

 private:
  // Adam's moments of a table of vectors.
  struct Moments {
    std::vector<float> mean;
    std::vector<float> square;
  };

  double RunBatch(std::span<const uint32_t> users);
  void Update(std::span<const uint32_t> rows,
              const std::vector<float>& gradients, std::vector<float>* table,
              Moments* moments);
  AdamStep NextStep();

  const HistorySettings settings_;
  const uint32_t threads_;
  Random random_;
  HistoryModel model_;
  Moments input_moments_;
  Moments output_moments_;
  struct {
    float mean = 0;
    float square = 0;
  } scale_moments_;
  HistorySampler sampler_;
  HistoryGradients gradients_;
  HistoryBatch batch_;
  AdamStep step_;
  // The users with at least two items.
  std::vector<uint32_t> users_;
  uint64_t steps_run_ = 0;
  uint32_t epochs_run_ = 0;
};

// The recall of a model on held-out items: recall at k, averaged over k from 10
// to 500 on a logarithmic scale, which varies less than recall at any one k;
// then averaged over users, or over an even sample of `max_users` of them.
double MeasureHistoryModel(const HistoryModel& model, const HistorySplit& split,
                           const std::vector<double>& decays, size_t max_users,
                           uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_TRAINING_H_
