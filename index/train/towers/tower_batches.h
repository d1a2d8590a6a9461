#ifndef TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_BATCHES_H_
#define TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_BATCHES_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "index/bundle/row.h"
#include "index/data/random.h"
#include "index/train/towers/tower_task.h"

namespace tributary {

// Some pairs of a user and an item the user had, and what the item is to be
// told from.
struct TowerBatch {
  std::vector<int64_t> users;
  // What the user's tower may know: items before the pair's where order says
  // something, else others; oldest first.
  std::vector<std::vector<Row>> histories;
  // The candidates' rows, each once, and which of them is each pair's item.
  std::vector<int64_t> items;
  std::vector<int64_t> targets;
  // Log of the probability that an item is a candidate of a row that it is not
  // the item of.
  std::vector<float> log_probabilities;
  // [pairs, candidates]: 1 where a candidate is none of this row, since the
  // user had it or it is another row's and those do not count.
  std::vector<uint8_t> masked;
};

// Makes the batches of an epoch. Not thread-safe.
class TowerBatches {
 public:
  // `task` must outlive it.
  explicit TowerBatches(const TowerTask& task);

  // How many batches an epoch has, of about the same size.
  uint64_t count() const { return count_; }
  // A new order of the pairs.
  void Shuffle(Random* random);
  // REQUIRES: i < count().
  TowerBatch Make(uint64_t i, Random* random);

  // By user, the items that hard negatives are drawn from, besides those shown;
  // empty before the first ranking.
  ItemLists hard_pools;

 private:
  struct Pair {
    Row user;
    // The item's place in the user's positives.
    uint32_t place;
  };

  std::vector<Row> MakeHistory(const Pair& pair, Random* random) const;
  Row DrawHard(Row user, Random* random) const;
  // What makes an item a candidate: of other rows, too, if `for_all`.
  void AddCandidate(Row item, bool for_all, TowerBatch* batch);
  void AddDrawn(Random* random, TowerBatch* batch);
  void AddHard(Random* random, TowerBatch* batch);
  void Mask(TowerBatch* batch) const;

  const TowerTask& task_;
  std::vector<Pair> pairs_;
  uint64_t count_;
  // Sums, over items up to each, of popularity to the power.
  std::vector<double> sums_;
  // An item's share of the pairs.
  std::vector<double> shares_;
  // By item: its place among the candidates of the batch being made, or -1.
  std::vector<int64_t> places_;
  // By candidate: 1 where it is one for rows that it is not the item of.
  std::vector<uint8_t> for_all_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_TOWERS_TOWER_BATCHES_H_
