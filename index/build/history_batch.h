#ifndef TRIBUTARY_INDEX_BUILD_HISTORY_BATCH_H_
#define TRIBUTARY_INDEX_BUILD_HISTORY_BATCH_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/build/history_data.h"
#include "index/build/random.h"

namespace tributary {

// How histories become inputs and targets.
struct HistorySettings {
  // Of the vectors, the bias included; at least 2.
  uint32_t dim = 128;
  // Times a history's item is left out as an input.
  double dropout = 0.5;
  // The targets are the items that were left out, instead of all.
  bool dropped_targets = false;
  // Inputs weigh (1 + rank)^-decay, targets (1 + rank)^-target_decay, rank 0
  // the newest.
  double decay = 0;
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
  std::vector<float> values;

  size_t size() const { return offsets.size() - 1; }
  void Clear();
  void Add(uint32_t column, float value);
  void EndRow() { offsets.push_back(static_cast<uint32_t>(columns.size())); }
};

// What one step is trained on.
struct HistoryBatch {
  // The items whose input vectors take part, and those that are scored.
  std::vector<uint32_t> inputs;
  std::vector<uint32_t> candidates;
  // By user: weights of `inputs`, by their position there, of norm 1.
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
  void AddUser(uint32_t user, Random* random, HistoryBatch* batch);
  void ChooseCandidates(Random* random, HistoryBatch* batch);

  const HistoryData& data_;
  const HistorySettings settings_;
  // Items with a count above 0.
  std::vector<uint32_t> active_;
  // log(1 - an item's share of the interactions).
  std::vector<double> log_absences_;
  std::vector<float> input_weights_;
  std::vector<float> target_weights_;
  // Of one user, by position in the history.
  std::vector<bool> kept_;
  // Scratch, by item.
  std::vector<uint32_t> positions_;
};

// The weights (1 + rank)^-decay for ranks below n.
std::vector<float> RankWeights(double decay, size_t n);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUILD_HISTORY_BATCH_H_
