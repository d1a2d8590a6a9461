#ifndef TRIBUTARY_INDEX_TRAIN_CONTENT_CONTENT_TRAINER_H_
#define TRIBUTARY_INDEX_TRAIN_CONTENT_CONTENT_TRAINER_H_

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "index/parallel/progress.h"
#include "index/train/trainer.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Shorter vectors, before they are scaled to length 1, are rounding: what made
// them has been projected away.
inline constexpr float kShortestContentVector = 1e-6F;

// Vectors from item features: TF-IDF (see MakeTermMatrix), shortened (see
// FindSubspace), of length 1. A user's vector is the mean of those of the
// items the user had, each once, which is what the server makes of a history;
// interactions of value 0 or less do not count. Items without features, and
// users without such items, get no vector. The result does not depend on
// `threads`.
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
