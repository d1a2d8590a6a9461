#ifndef TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_TOWER_TRAINER_H_
#define TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_TOWER_TRAINER_H_

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "index/train/progress.h"
#include "index/train/trainer.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// The space "behavior": a two-tower model whose user side is a sum over the
// user's history, without hidden layers and without a vector for the user: a
// linear model of items by items, as EASE (Steck 2019), of low rank. The
// softmax over items and the histories that lose a part as inputs are those of
// Mult-VAE (Liang et al. 2018). Being linear, its gradients are written out
// (see HistoryGradients). Where there are times, newer items weigh more, by two
// decays with half of the vector each, and some rows are trained to tell what
// came after a random moment from what came before (see HistorySettings).
//
// Interactions of value above 0 are positive, each user and item once; the
// others are left out. (The server encodes all that a user has seen: a bundle
// does not tell them apart.) Only users with two positive items teach anything;
// items without a positive interaction get no vector. Times decide the order of
// a history alone. What `settings` leaves out is as TrainingSettings has it.
// The result does not depend on `threads`.
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
