#ifndef TRIBUTARY_SERVER_RETRIEVAL_SCORE_TABLE_H_
#define TRIBUTARY_SERVER_RETRIEVAL_SCORE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/bundle/row.h"

namespace tributary {

// Sums of scores by row, for the duration of one request. A hash table with
// linear probing, whose slots carry the number of the use that filled them: to
// clear it costs nothing, and the total cost is linear in the number of
// additions, independent of the catalogue's size. Keep one per thread, because
// it allocates only while it grows. Not thread-safe.
class ScoreTable {
 public:
  // Removes every row, and makes room for `max_rows` different rows.
  void Clear(size_t max_rows);

  // REQUIRES: at most max_rows different rows since Clear.
  void Add(Row row, float score) {
    Slot& slot = FindSlot(row);
    if (slot.use != use_) {
      slot = {row, use_, 0};
      used_.push_back(static_cast<uint32_t>(&slot - slots_.data()));
    }
    slot.score += score;
  }
  // Keeps the row out of Best. Does nothing for a row without a score.
  void Drop(Row row) {
    Slot& slot = FindSlot(row);
    if (slot.use == use_) slot.score = 0;
  }

  // Replaces *best with the n rows of the highest scores above 0, best first.
  void Best(uint32_t n, std::vector<ScoredRow>* best) const;

 private:
  struct Slot {
    Row row;
    uint32_t use = 0;
    float score;
  };

  // The row's slot, or the slot where the row would be inserted.
  Slot& FindSlot(Row row) {
    // Fibonacci hashing: the high bits of the product.
    uint64_t i = (uint64_t{row} * 0x9e3779b97f4a7c15U) >> shift_;
    while (slots_[i].use == use_ && slots_[i].row != row) {
      i = (i + 1) & mask_;
    }
    return slots_[i];
  }

  // Those of the present use are the first mask_ + 1: after a long history, a
  // short one still finds its slots in the nearest cache.
  std::vector<Slot> slots_;
  // The positions of the slots in use.
  std::vector<uint32_t> used_;
  uint32_t use_ = 0;
  int shift_ = 0;
  uint64_t mask_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_SCORE_TABLE_H_
