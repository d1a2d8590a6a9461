// The interface of the module tributary-towers.so, the only part that is linked
// with LibTorch. Loading it takes .4 s and nearly three hundred libraries, so
// that a program loads it only to train towers. The module is built where
// LibTorch is installed, and finds our own symbols in the program that loads
// it.
#ifndef TRIBUTARY_INDEX_TRAIN_TOWERS_TORCH_MODULE_H_
#define TRIBUTARY_INDEX_TRAIN_TOWERS_TORCH_MODULE_H_

#include "absl/status/statusor.h"
#include "index/train/towers/tower_task.h"

// The module's only function: trains the towers. INTERNAL, naming the setting,
// when training diverges; INTERNAL for what LibTorch throws.
extern "C" void TributaryTrainTowers(
    const tributary::TowerTask& task,
    absl::StatusOr<tributary::TrainedTowers>* trained);

namespace tributary {

inline constexpr char kTorchModule[] = "tributary-towers.so";

// Loads the module from the program's directory and calls it. UNIMPLEMENTED
// when there is no module.
absl::StatusOr<TrainedTowers> TrainWithTorch(const TowerTask& task);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TOWERS_TORCH_MODULE_H_
