#ifndef TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_BATCHES_H_
#define TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_BATCHES_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "index/bundle/row.h"
#include "index/data/random.h"
#include "index/train/towers/tower_task.h"

namespace tributary {

// A batch: pairs of a user and an item that the user had (a positive), with the
// candidates that the item is to be told from.
struct TowerBatch {
  std::vector<int64_t> users;
  // How much each pair counts in the loss; empty: all are 1.
  std::vector<float> weights;
  // The history that the user's tower may know, oldest first: the items before
  // the pair's where the data are ordered, else the user's other items.
  std::vector<std::vector<Row>> histories;
  // The candidates' rows, each once; and for each pair the index of its item
  // among them.
  std::vector<int64_t> items;
  std::vector<int64_t> targets;
  // By candidate: the log of the probability that it is a candidate of a pair
  // of which it is not the item (the correction of sampled softmax).
  std::vector<float> log_probabilities;
  // [pairs, candidates]: 1 where a candidate does not count for the pair,
  // because the user had it, or because it belongs to another pair and in-batch
  // negatives are off.
  std::vector<uint8_t> masked;
};

// Makes the batches of each epoch. Not thread-safe.
class TowerBatches {
 public:
  // `task` must outlive it.
  explicit TowerBatches(const TowerTask& task);

  // The number of batches in an epoch; they are of about equal size.
  uint64_t count() const { return count_; }
  // Shuffles the pairs.
  void Shuffle(Random* random);
  // REQUIRES: i < count().
  TowerBatch Make(uint64_t i, Random* random);

  // By user, the items that hard negatives are drawn from, besides impressions.
  // Empty before the first ranking.
  ItemLists hard_pools;

 private:
  struct Pair {
    Row user;
    // The item's index in the user's positives.
    uint32_t place;
  };

  std::vector<Row> MakeHistory(const Pair& pair, Random* random) const;
  Row DrawHard(Row user, Random* random) const;
  // Makes an item a candidate; of all pairs if `for_all`.
  void AddCandidate(Row item, bool for_all, TowerBatch* batch);
  void AddDrawn(Random* random, TowerBatch* batch);
  void AddHard(Random* random, TowerBatch* batch);
  void Mask(TowerBatch* batch) const;

  const TowerTask& task_;
  std::vector<Pair> pairs_;
  uint64_t count_;
  // Prefix sums over items of popularity to the configured power.
  std::vector<double> sums_;
  // By item: its share of the pairs.
  std::vector<double> shares_;
  // By item: its index among the candidates of the current batch, or -1.
  std::vector<int64_t> candidate_of_;
  // By candidate: 1 where it is a candidate of pairs of which it is not the
  // item.
  std::vector<uint8_t> for_all_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_BATCHES_H_
