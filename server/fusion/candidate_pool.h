#ifndef TRIBUTARY_SERVER_FUSION_CANDIDATE_POOL_H_
#define TRIBUTARY_SERVER_FUSION_CANDIDATE_POOL_H_

#include <cstdint>
#include <span>
#include <vector>

#include "server/fusion/fusion.h"

namespace tributary {

// Every row that some source proposed, once. Reused from call to call; not
// thread-safe.
class CandidatePool {
 public:
  struct Entry {
    Row row;
    uint32_t sources;
    double score;
    bool chosen;
  };

  // Merges the sources' proposals by row; scores are 0.
  void Merge(std::span<const FusionSource> sources);

  std::vector<Entry>& entries() { return entries_; }
  // The entry of source s's proposal at `rank` (from 0).
  Entry& At(size_t s, size_t rank) {
    return entries_[places_[first_place_[s] + rank]];
  }

 private:
  size_t SlotOf(Row row) const;
  uint32_t FindOrAdd(Row row);

  std::vector<Entry> entries_;
  // By source and rank, the place in entries_.
  std::vector<uint32_t> places_;
  std::vector<size_t> first_place_;
  // Open addressing. A slot is a row, an epoch and a place, from the highest
  // bits on; it is free unless its epoch is the current one, so that nothing
  // needs to be cleared between most calls.
  std::vector<uint64_t> slots_;
  uint32_t epoch_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_CANDIDATE_POOL_H_
