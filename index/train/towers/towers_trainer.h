#ifndef TRIBUTARY_INDEX_TRAIN_TOWERS_TOWERS_TRAINER_H_
#define TRIBUTARY_INDEX_TRAIN_TOWERS_TOWERS_TRAINER_H_

#include <utility>

#include "absl/status/statusor.h"
#include "index/parallel/progress.h"
#include "index/train/trainer.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// The space "behavior" from two towers over features, ids and histories, with
// LibTorch: v1::Towers says what they are and how they are trained. Users are
// encoded by the user tower when they are served; items of the data all have
// vectors, those without interactions from their features. Towers are trained
// on one thread: the result does not depend on how many there are.
class TowersTrainer : public Trainer {
 public:
  // `config` is complete (see CompleteBuildConfig). `content`, the vectors of
  // the items' text, may be null; it must outlive the trainer.
  TowersTrainer(v1::BuildConfig config, const TrainedSpace* content,
                Progress progress)
      : config_(std::move(config)),
        content_(content),
        progress_(std::move(progress)) {}

  // Also: UNIMPLEMENTED where this was built without LibTorch;
  // INVALID_ARGUMENT naming a setting that does not fit the data.
  absl::StatusOr<TrainedSpace> Train(const DataSet& data) const override;

 private:
  v1::BuildConfig config_;
  const TrainedSpace* content_;
  Progress progress_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TOWERS_TOWERS_TRAINER_H_
