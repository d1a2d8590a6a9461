#ifndef TRIBUTARY_INDEX_TRAIN_TOWERS_TOWERS_TRAINER_H_
#define TRIBUTARY_INDEX_TRAIN_TOWERS_TOWERS_TRAINER_H_

#include <utility>

#include "absl/status/statusor.h"
#include "index/train/progress.h"
#include "index/train/trainer.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Trains the space "behavior" as two towers over features, ids and histories,
// with LibTorch. v1::Towers describes the towers and their training. The user
// tower encodes users when requests are served. All items have vectors; those
// without interactions get theirs from their features. Towers are trained on
// one thread, so that the result does not depend on the number of threads.
class TowersTrainer : public Trainer {
 public:
  // `config` is complete (see CompleteBuildConfig). `content` has the vectors
  // of the items' text; it may be null, and must outlive the trainer.
  TowersTrainer(v1::BuildConfig config, const TrainedSpace* content,
                Progress progress)
      : config_(std::move(config)),
        content_(content),
        progress_(std::move(progress)) {}

  // Further errors: UNIMPLEMENTED in a build without LibTorch;
  // INVALID_ARGUMENT naming a setting that does not fit the data.
  absl::StatusOr<TrainedSpace> Train(const DataSet& data) const override;

 private:
  v1::BuildConfig config_;
  const TrainedSpace* content_;
  Progress progress_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TOWERS_TOWERS_TRAINER_H_
