#ifndef TRIBUTARY_INDEX_TRAIN_CONTENT_CONTENT_TRAINER_H_
#define TRIBUTARY_INDEX_TRAIN_CONTENT_CONTENT_TRAINER_H_

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "index/parallel/progress.h"
#include "index/tower/content_encoder.h"
#include "index/train/trainer.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Makes item vectors from features: TF-IDF (see MakeTermMatrix), projected to
// `dim` dimensions (see FindSubspace) and scaled to length 1. A user's vector
// is the mean of the vectors of the items the user had, each once, as the
// server encodes a history; interactions of a value of 0 or less do not count.
// Items without features, and users without items that have them, get no
// vector. The result does not depend on `threads`.
class ContentTrainer : public Trainer {
 public:
  // `settings` is complete (see CompleteBuildConfig).
  ContentTrainer(v1::Content settings, uint64_t seed, uint32_t threads,
                 Progress progress)
      : settings_(std::move(settings)),
        seed_(seed),
        threads_(threads),
        progress_(std::move(progress)) {}

  absl::StatusOr<TrainedSpace> Train(const DataSet& data) const override;

 private:
  v1::Content settings_;
  uint64_t seed_;
  uint32_t threads_;
  Progress progress_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_CONTENT_CONTENT_TRAINER_H_
