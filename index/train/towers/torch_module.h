// The border of the module tributary-towers.so, the one part that is linked
// with LibTorch: loading it takes .4 s and nearly three hundred libraries, so
// it is loaded where towers are trained and nowhere else. It is built where
// LibTorch is installed. What it uses of ours it finds in the program that
// loads it.
#ifndef TRIBUTARY_INDEX_TRAIN_TOWERS_TORCH_MODULE_H_
#define TRIBUTARY_INDEX_TRAIN_TOWERS_TORCH_MODULE_H_

#include "absl/status/statusor.h"
#include "index/train/towers/tower_task.h"

// The module's one function: trains. INTERNAL, naming the setting, when
// training diverges; INTERNAL for what LibTorch throws.
extern "C" void TributaryTrainTowers(
    const tributary::TowerTask& task,
    absl::StatusOr<tributary::TrainedTowers>* trained);

namespace tributary {

inline constexpr char kTorchModule[] = "tributary-towers.so";

// Loads the module, which stands beside the program, and calls it.
// UNIMPLEMENTED where it is not there.
absl::StatusOr<TrainedTowers> TrainWithTorch(const TowerTask& task);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TOWERS_TORCH_MODULE_H_
