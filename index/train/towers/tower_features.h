#ifndef TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_FEATURES_H_
#define TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_FEATURES_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/key_table.h"
#include "index/data/data_set.h"
#include "index/data/feature_table.h"
#include "index/train/towers/tower_task.h"
#include "index/train/trainer.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// The inputs of one side's tower.
struct TowerInputs {
  std::vector<TowerColumn> columns;
  // For each column: how the tower computes it from features later.
  std::vector<v1::FeatureInput> specs;
  // For CATEGORIES their names, ascending; empty for ids and other kinds.
  std::vector<KeyList> categories;
};

// The data that a side's inputs are made from.
struct SideOfData {
  // "behavior.towers.user" or "behavior.towers.item", for errors.
  std::string field;
  size_t rows;
  const std::vector<FeatureColumn>& features;
  // By row: whether the row has interactions to train on.
  const std::vector<bool>& trained;
  // The vectors of the text columns, or nullptr.
  const TrainedSpace* text;
};

// Calls take(name) for each category of a row's value in a column of tokens.
template <typename Take>
void ForEachCategory(std::string_view value, const Take& take) {
  while (!value.empty()) {
    const size_t end = std::min(value.find(kTokenSeparator), value.size());
    take(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
  }
}

// Makes the inputs. Skips columns that have the same value in all rows.
// `settings` is complete.
// INVALID_ARGUMENT naming a column of settings.features that does not exist, is
// text, or has a setting of another kind.
absl::StatusOr<TowerInputs> MakeTowerInputs(const v1::TowerSide& settings,
                                            const SideOfData& side);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_FEATURES_H_
