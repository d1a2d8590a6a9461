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
// Interactions of value above 0 are positive, each user and item once however
// often it occurs, all of the same weight; other interactions are not used.
// Users and items without positive interactions get no vector; one user and one
// item are enough. Weighing by rating instead made no difference on MovieLens
// 100k. The result does not depend on `threads`.
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
