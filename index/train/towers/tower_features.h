#ifndef TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_FEATURES_H_
#define TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_FEATURES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/key_table.h"
#include "index/data/data_set.h"
#include "index/train/towers/tower_task.h"
#include "index/train/trainer.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// The columns that one side's tower reads.
struct TowerInputs {
  std::vector<TowerColumn> columns;
  // For each of the columns: what an item tower needs to make it again.
  std::vector<v1::FeatureInput> specs;
  // CATEGORIES: their names, ascending; empty for ids and other kinds.
  std::vector<KeyList> categories;
};

// What a side's inputs are made from.
struct SideOfData {
  // "behavior.towers.user" or "behavior.towers.item", for errors.
  std::string field;
  size_t rows;
  const std::vector<FeatureColumn>& features;
  // By row: whether it has interactions to train on.
  const std::vector<bool>& trained;
  // The vectors of its text, or nullptr.
  const TrainedSpace* text;
};

// Columns that tell no rows apart are left out. `settings` is complete.
// INVALID_ARGUMENT naming a column in settings.features that is not there, is
// text, or has a setting that is not of its kind.
absl::StatusOr<TowerInputs> MakeTowerInputs(const v1::TowerSide& settings,
                                            const SideOfData& side);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_FEATURES_H_
