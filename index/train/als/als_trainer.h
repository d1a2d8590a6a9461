#ifndef TRIBUTARY_INDEX_TRAIN_ALS_ALS_TRAINER_H_
#define TRIBUTARY_INDEX_TRAIN_ALS_ALS_TRAINER_H_

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "index/parallel/progress.h"
#include "index/train/trainer.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Weighted matrix factorisation of implicit feedback by alternating least
// squares (iALS): users' vectors are solved for while the items' are fixed,
// then the items' while the users' are fixed, `iterations` times. als_rows.h
// has the objective and how a row is solved. A row's regularisation grows with
// its own weight, ridge = regularization * (alpha * known + rows of the other
// side), as in Rendle, Krichene, Zhang, Koren, "Revisiting the Performance of
// iALS on Item Recommendation Benchmarks" (2022).
//
// A user and an item have the weight that the user's interactions with the item
// add up to, over the mean of all positive ones: only ratios of weights matter.
// Users and items without positive interactions get no vector; one user and one
// item are enough. The result does not depend on `threads`.
class AlsTrainer : public Trainer {
 public:
  // `settings` is complete (see CompleteBuildConfig and ChooseAlsSettings).
  AlsTrainer(v1::Als settings, uint64_t seed, uint32_t threads,
             Progress progress)
      : settings_(std::move(settings)),
        seed_(seed),
        threads_(threads),
        progress_(std::move(progress)) {}

  absl::StatusOr<TrainedSpace> Train(const DataSet& data) const override;

 private:
  v1::Als settings_;
  uint64_t seed_;
  uint32_t threads_;
  Progress progress_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_ALS_ALS_TRAINER_H_
