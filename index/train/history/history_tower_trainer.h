#ifndef TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_TOWER_TRAINER_H_
#define TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_TOWER_TRAINER_H_

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "index/parallel/progress.h"
#include "index/train/trainer.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// The space "behavior": a two-tower model whose user side is a weighted sum
// over the user's history, without hidden layers and without a vector of the
// user's own (see HistoryModel). It is a linear model of items by items, like
// EASE (Steck 2019), of low rank: score_i = sum over the history of w_j A_j .
// B_i. It is trained as Mult-VAE is (Liang, Krishnan, Hoffman, Jebara,
// "Variational Autoencoders for Collaborative Filtering", 2018): by a softmax
// over items, with a random part of the history dropped as inputs. Because the
// model is linear, its gradients are written out (see HistoryGradients). Where
// there are times, newer items weigh more, by two decays with half of the
// vector each, and some histories are cut at a random moment, to predict later
// items from earlier ones (see HistorySettings).
//
// Targets weigh what the user's interactions with the item add up to, over the
// mean of all; inputs do not, because a server does not know it. What a user
// rejected is not in the history, and like every item that is no target it is a
// candidate that targets are told from. Users with fewer than two positive
// items teach nothing; items without a positive interaction get no vector.
// Times only decide the order of a history. Settings that are not set are those
// of TrainingSettings. The result does not depend on `threads`.
class HistoryTowerTrainer : public Trainer {
 public:
  // `settings` is complete (see CompleteBuildConfig).
  HistoryTowerTrainer(v1::HistoryTower settings, uint64_t seed,
                      uint32_t threads, Progress progress)
      : settings_(std::move(settings)),
        seed_(seed),
        threads_(threads),
        progress_(std::move(progress)) {}

  // FAILED_PRECONDITION when no user has two items; INTERNAL, naming the
  // setting, when training diverges.
  absl::StatusOr<TrainedSpace> Train(const DataSet& data) const override;

 private:
  v1::HistoryTower settings_;
  uint64_t seed_;
  uint32_t threads_;
  Progress progress_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_TOWER_TRAINER_H_
