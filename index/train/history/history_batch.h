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
  // The dimension of the vectors, the bias included; at least 2.
  uint32_t dim = 128;
  // The share of a history's items that are dropped as inputs.
  double dropout = 0.5;
  // Whether the targets are the dropped items, instead of all.
  bool dropped_targets = false;
  // The share of histories that are cut at a random position: inputs are from
  // before the cut, targets are all items after it. Other histories are used
  // whole for both.
  double cut_share = 0;
  // Inputs are weighted as in DecayedSums, by rank, 0 the newest, because that
  // is all that a server knows of a history. Targets weigh (1 + rank)^
  // -target_decay, times the item's weight; after a cut, rank 0 is the oldest.
  std::vector<double> decays = {0};
  double target_decay = 0;
  double weight_decay = 0.5;
  double rate = 0.003;
  uint32_t batch_users = 128;
  uint32_t epochs = 30;
  // Items that are drawn as candidates of a batch besides its users' own; 0:
  // all items are candidates.
  uint32_t negatives = 0;
};

// A sparse matrix by rows.
struct SparseRows {
  std::vector<uint32_t> offsets;
  std::vector<uint32_t> columns;
  // `width` values per column, end to end.
  std::vector<float> values;
  size_t width = 1;

  size_t size() const { return offsets.size() - 1; }
  void Clear(size_t values_to_a_column);
  void Add(uint32_t column, float value);
  void EndRow() { offsets.push_back(static_cast<uint32_t>(columns.size())); }
};

// The input of one step of training.
struct HistoryBatch {
  // The items whose input vectors are used, and the items that are scored.
  std::vector<uint32_t> inputs;
  std::vector<uint32_t> candidates;
  // By user: weights of `inputs`, whose columns are positions in it. There is a
  // weight for each decay; the weights of a user and a decay have norm 1.
  SparseRows histories;
  // The same transposed, by input.
  SparseRows inputs_by_item;
  // By user: weights of `candidates`, whose columns are positions in it.
  SparseRows targets;
  // By candidate: the logarithm of the probability that the item is a
  // candidate, which is subtracted from its scores (Yi et al.,
  // "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item
  // Recommendations", 2019). Empty when all items are candidates.
  std::vector<float> log_probabilities;
};

// Makes batches. Views the data, which must outlive it. Not thread-safe.
class HistorySampler {
 public:
  HistorySampler(const HistoryData& data, const HistorySettings& settings);

  // Replaces *batch with one for these users.
  void Sample(std::span<const uint32_t> users, Random* random,
              HistoryBatch* batch);

 private:
  // Add inputs and targets, which EndUser normalises.
  void AddParts(uint32_t user, Random* random, HistoryBatch* batch) const;
  void AddCut(uint32_t user, Random* random, HistoryBatch* batch) const;
  // Adds the user's item at this position, with the weight of its rank.
  void AddTarget(uint32_t user, size_t position, size_t rank,
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
