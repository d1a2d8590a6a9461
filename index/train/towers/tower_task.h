// The data that pass between the builder and the module that trains towers with
// LibTorch (see torch_module.h). No header of LibTorch is included here.
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

// One input of a tower: a value per row of its side.
struct TowerColumn {
  // The number of values that the tower gets from it.
  uint32_t dim = 0;
  // The number of ids, including id 0. The input is the mean of the learned
  // vectors of a row's ids, or the vector of id 0 for a row without ids. When
  // this is 0, the values themselves are the input, [rows, dim].
  uint32_t ids = 0;
  // The ids of row r are bags[offsets[r]] to bags[offsets[r + 1]].
  std::vector<uint64_t> offsets;
  std::vector<uint32_t> bags;
  std::vector<float> values;
  // The values that replace a row's when the row's are dropped.
  float missing = 0;
  // Whether a request can bring the value, by the column's name; not so for ids
  // and vectors of text.
  bool by_name = false;
};

// Items by user: those of user u are items[offsets[u]] to
// items[offsets[u + 1] - 1].
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
  // The items that users had, oldest first, each once. Their order means
  // nothing unless `ordered`.
  ItemLists positives;
  // Parallel to positives.items: how much each counts in the loss, 1 on
  // average. Empty: all are 1.
  std::vector<float> weights;
  bool ordered = false;
  // Impressions without a click, and rejections.
  ItemLists shown;
  // Held-out items for validation; or empty for every user.
  ItemLists held_out;
  // Training ends after this many epochs; the learning rate's schedule may be
  // made for more.
  uint32_t last_epoch = 0;
  // The checkpoint file; empty: no checkpoints.
  std::string checkpoint;
  // Called after each epoch with `step` and a note of the loss and, if anything
  // is held out, of recall.
  std::string step;
  Progress progress = IgnoreProgress;
};

// A matrix [rows, columns] in C order.
struct WeightMatrix {
  uint64_t rows = 0;
  uint64_t columns = 0;
  std::vector<float> values;
};

// A linear layer with weights [out, in]. Batch norms are folded into the next
// layer.
struct TrainedLinear {
  WeightMatrix weights;
  std::vector<float> bias;
};

struct TrainedTowers {
  // By epoch. Recall is NaN without held-out items.
  std::vector<double> losses;
  std::vector<double> recalls;
  // The user tower: history (empty without one), then context, then layers with
  // ReLUs between them.
  WeightMatrix history_table;
  // In the order of v1::HistoryInput.weights.
  std::vector<float> history_weights;
  // By user; the last row is for unknown users.
  WeightMatrix contexts;
  std::vector<TrainedLinear> user_layers;
  // The embeddings of the item columns that have ids.
  std::vector<WeightMatrix> item_tables;
  std::vector<TrainedLinear> item_layers;
  WeightMatrix item_vectors;
  // The vectors of users with all their positives as history; several interests
  // are concatenated.
  WeightMatrix user_vectors;
  // The embeddings of the user columns that have ids.
  std::vector<WeightMatrix> user_tables;
  // Sample histories, newest last, and the vectors of unknown users with these
  // histories: the first interest of each. Sample i has the columns by_name of
  // the user sample_users[i], or none of them if that is kNoRow.
  std::vector<std::vector<Row>> sample_histories;
  std::vector<Row> sample_users;
  WeightMatrix sample_vectors;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_TASK_H_
