#ifndef TRIBUTARY_SERVER_FUSION_SCORE_ORDER_H_
#define TRIBUTARY_SERVER_FUSION_SCORE_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/bundle/key_sort.h"
#include "server/fusion/candidate_pool.h"

namespace tributary {

// The order of a list: by score as a reply has it (a float), highest first,
// ties by row. Reused from call to call; not thread-safe.
class ScoreOrder {
 public:
  // The places of all entries, best first, until the next call.
  std::span<const uint32_t> Sort(std::span<const CandidatePool::Entry> entries);

 private:
  // Items of one score, by row.
  void SortTie(std::span<const CandidatePool::Entry> entries,
               std::span<KeyedId> items);

  std::vector<KeyedId> items_;
  std::vector<KeyedId> scratch_;
  std::vector<uint32_t> places_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_SCORE_ORDER_H_
