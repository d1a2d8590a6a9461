#ifndef TRIBUTARY_INDEX_TRAIN_ALS_ALS_TRAINER_H_
#define TRIBUTARY_INDEX_TRAIN_ALS_ALS_TRAINER_H_

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "index/train/progress.h"
#include "index/train/trainer.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Weighted matrix factorisation of implicit feedback by alternating least
// squares: Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback
// Datasets" (2008). Rows are solved by a few steps of conjugate gradients from
// where they were: Takács, Pilászy, Tikk (2011). Regularisation grows with a
// row's own weight: Rendle, Krichene, Zhang, Koren, "Revisiting the Performance
// of iALS" (2022).
//
// Interactions of value above 0 are positive, each user and item once however
// often it is there, all of the same weight; the others are left out. Users and
// items without positive interactions get no vector; one user and one item are
// enough. Weighing by rating instead made no difference on MovieLens 100k. The
// result does not depend on `threads`.
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
