#ifndef TRIBUTARY_SERVER_FUSION_CANDIDATE_POOL_H_
#define TRIBUTARY_SERVER_FUSION_CANDIDATE_POOL_H_

#include <cstdint>
#include <span>
#include <vector>

#include "server/fusion/fusion.h"

namespace tributary {

// The set of rows that the sources proposed. Each row has one entry, whichever
// sources proposed it. Reused from call to call; not thread-safe.
class CandidatePool {
 public:
  struct Entry {
    Row row;
    // Bit s is set when source s proposed the row.
    uint32_t sources;
    double score;
    // Whether the row is in the fused list.
    bool chosen;
    // 0 when a source proposed the row whose weight counts. Otherwise the best
    // rank, counted from 1, that a source gave it: what orders scores of 0.
    uint32_t unweighed_rank;
  };

  // Replaces the entries by one for each distinct row of the proposals, with a
  // score of 0, not chosen and without an unweighed rank. REQUIRES: fewer than
  // 2^24 proposals in all.
  void Merge(std::span<const FusionSource> sources);

  std::vector<Entry>& entries() { return entries_; }
  // The entry of the proposal of source s at `rank`, counted from 0.
  Entry& At(size_t s, size_t rank) {
    return entries_[entry_of_[first_of_[s] + rank]];
  }

 private:
  size_t SlotOf(Row row) const;
  uint32_t FindOrAdd(Row row);

  std::vector<Entry> entries_;
  // The index in entries_ of each proposal, source after source; those of
  // source s begin at first_of_[s].
  std::vector<uint32_t> entry_of_;
  std::vector<size_t> first_of_;
  // A hash table from rows to indices in entries_, with open addressing. From
  // the highest bit on, a slot is a row (32 bits), an epoch (8) and an index
  // (24). A slot of another epoch is free, so that the table is cleared only
  // once in 255 calls.
  std::vector<uint64_t> slots_;
  uint32_t epoch_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_CANDIDATE_POOL_H_
