// What passes between the builder and the module that trains towers with
// LibTorch (see torch_module.h). Plain data: no header of LibTorch here.
#ifndef TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_TASK_H_
#define TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_TASK_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "index/bundle/row.h"
#include "index/parallel/progress.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// One input of a tower, by row of its side.
struct TowerColumn {
  // How many values it gives the tower.
  uint32_t dim = 0;
  // How many ids there are, 0 among them; an input is the mean of the learned
  // vectors of a row's ids, or that of id 0 where it has none. 0: the values
  // themselves are the input, [rows, dim].
  uint32_t ids = 0;
  // The ids of row r are bags[offsets[r]] to bags[offsets[r + 1]].
  std::vector<uint64_t> offsets;
  std::vector<uint32_t> bags;
  std::vector<float> values;
  // What stands for each of the values where a row's are dropped.
  float missing = 0;
};

// Items by user: those of user u are items[offsets[u]] to
// items[offsets[u + 1]].
struct ItemLists {
  std::vector<uint64_t> offsets = {0};
  std::vector<Row> items;

  std::span<const Row> Of(Row user) const {
    return std::span(items).subspan(offsets[user],
                                    offsets[user + 1] - offsets[user]);
  }
};

struct TowerTask {
  // Complete (see CompleteBuildConfig).
  v1::Towers settings;
  uint64_t seed = 0;
  uint32_t users = 0;
  uint32_t items = 0;
  std::vector<TowerColumn> user_columns;
  std::vector<TowerColumn> item_columns;
  // What users had, oldest first, each item once; their order says nothing
  // unless `ordered`.
  ItemLists positives;
  bool ordered = false;
  // Impressions that were not clicked.
  ItemLists shown;
  // For validation, or no user has any.
  ItemLists held_out;
  // Training ends after so many epochs of those that the learning rate's
  // schedule is made for.
  uint32_t last_epoch = 0;
  // A file; empty: no checkpoints.
  std::string checkpoint;
  // Called after each epoch with `step`, noting the loss and, where anything is
  // held out, recall.
  std::string step;
  Progress progress = IgnoreProgress;
};

// [rows, columns] in C order.
struct WeightMatrix {
  uint64_t rows = 0;
  uint64_t columns = 0;
  std::vector<float> values;
};

// A linear layer with [out, in] weights; batch norms are folded into the next.
struct TrainedLinear {
  WeightMatrix weights;
  std::vector<float> bias;
};

struct TrainedTowers {
  // By epoch. Recall is NaN where nothing is held out.
  std::vector<double> losses;
  std::vector<double> recalls;
  // The user's: history (empty without one), then context, then layers with
  // ReLUs between them.
  WeightMatrix history_table;
  // As in v1::HistoryInput.
  std::vector<float> history_weights;
  // By user, and in the last row of an unknown one.
  WeightMatrix contexts;
  std::vector<TrainedLinear> user_layers;
  // Of the item columns that have ids.
  std::vector<WeightMatrix> item_tables;
  std::vector<TrainedLinear> item_layers;
  WeightMatrix item_vectors;
  // Of users with all their positives as history, interests end to end.
  WeightMatrix user_vectors;
  // Some users' histories, newest last, and the vectors of unknown users with
  // them, of each the first interest.
  std::vector<std::vector<Row>> sample_histories;
  WeightMatrix sample_vectors;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_TASK_H_
