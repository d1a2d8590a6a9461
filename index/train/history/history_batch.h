#ifndef TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_BATCH_H_
#define TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_BATCH_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/data/random.h"
#include "index/tower/decayed_sums.h"
#include "index/train/history/history_data.h"

namespace tributary {

// How histories become inputs and targets.
struct HistorySettings {
  // Of the vectors, the bias included; at least 2.
  uint32_t dim = 128;
  // Times a history's item is left out as an input.
  double dropout = 0.5;
  // The targets are the items that were left out, instead of all.
  bool dropped_targets = false;
  // How often a history is cut at random, some way in: the inputs are some of
  // what came before, the targets all that came after. Else both are from all
  // of it.
  double cut_share = 0;
  // Inputs are DecayedSums: by rank, 0 the newest. Targets weigh (1 +
  // rank)^-target_decay, after a cut 0 being the oldest.
  std::vector<double> decays = {0};
  double target_decay = 0;
  double weight_decay = 0.5;
  double rate = 0.003;
  uint32_t batch_users = 128;
  uint32_t epochs = 30;
  // Items drawn for a batch besides its users' own; 0: all items there are.
  uint32_t negatives = 0;
};

// A sparse matrix by rows.
struct SparseRows {
  std::vector<uint32_t> offsets;
  std::vector<uint32_t> columns;
  // `width` to a column, end to end.
  std::vector<float> values;
  size_t width = 1;

  size_t size() const { return offsets.size() - 1; }
  void Clear(size_t values_to_a_column);
  void Add(uint32_t column, float value);
  void EndRow() { offsets.push_back(static_cast<uint32_t>(columns.size())); }
};

// What one step is trained on.
struct HistoryBatch {
  // The items whose input vectors take part, and those that are scored.
  std::vector<uint32_t> inputs;
  std::vector<uint32_t> candidates;
  // By user: weights of `inputs`, by their position there: one for each decay,
  // each of norm 1.
  SparseRows histories;
  // The same by input: its users.
  SparseRows inputs_by_item;
  // By user: weights of `candidates`.
  SparseRows targets;
  // By candidate: the logarithm of the probability that it is one, which its
  // scores are lowered by (Yi et al. 2019); empty when all items are.
  std::vector<float> log_probabilities;
};

// Makes batches. Views the data, which must outlive it. Not thread-safe.
class HistorySampler {
 public:
  HistorySampler(const HistoryData& data, const HistorySettings& settings);

  // Replaces *batch by one for these users.
  void Sample(std::span<const uint32_t> users, Random* random,
              HistoryBatch* batch);

 private:
  // Adds inputs and targets, not yet divided by anything.
  void AddParts(std::span<const uint32_t> items, Random* random,
                HistoryBatch* batch) const;
  void AddCut(std::span<const uint32_t> items, Random* random,
              HistoryBatch* batch) const;
  void AddInput(uint32_t item, size_t rank, HistoryBatch* batch) const;
  void EndUser(HistoryBatch* batch) const;
  void ChooseCandidates(Random* random, HistoryBatch* batch);

  const HistoryData& data_;
  const HistorySettings settings_;
  // Items with a count above 0.
  std::vector<uint32_t> active_;
  // log(1 - an item's share of the interactions).
  std::vector<double> log_absences_;
  const DecayedSums input_weights_;
  const DecayedSums target_weights_;
  // Scratch, by item.
  std::vector<uint32_t> positions_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_HISTORY_HISTORY_BATCH_H_
