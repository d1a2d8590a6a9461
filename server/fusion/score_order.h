#ifndef TRIBUTARY_SERVER_FUSION_SCORE_ORDER_H_
#define TRIBUTARY_SERVER_FUSION_SCORE_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "server/fusion/candidate_pool.h"

namespace tributary {

// The order of a list: by score as a reply has it (a float), highest first,
// ties by row. A radix sort, because comparisons of scores are branches that
// nothing predicts: of a thousand they cost more than the rest of fusion.
// Reused from call to call; not thread-safe.
class ScoreOrder {
 public:
  // The places of all entries, best first, until the next call.
  // REQUIRES: scores are 0 or more.
  std::span<const uint32_t> Sort(std::span<const CandidatePool::Entry> entries);

 private:
  struct Item {
    uint32_t key;
    uint32_t place;
  };

  // Sorts by key, ascending and stably. REQUIRES: there are some.
  void SortByKey(std::span<Item> items);
  // Items of one score, by row.
  void SortTie(std::span<const CandidatePool::Entry> entries,
               std::span<Item> items);

  std::vector<Item> items_;
  std::vector<Item> moved_;
  std::vector<uint32_t> places_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_SCORE_ORDER_H_
