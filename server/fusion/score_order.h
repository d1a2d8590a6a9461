#ifndef TRIBUTARY_SERVER_FUSION_SCORE_ORDER_H_
#define TRIBUTARY_SERVER_FUSION_SCORE_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/bundle/key_sort.h"
#include "server/fusion/candidate_pool.h"

namespace tributary {

// Sorts entries by score, highest first, ties at 0 by unweighed rank, and then
// ties by row. Scores are compared as
// floats, the type they have in a reply. Reused from call to call; not
// thread-safe.
class ScoreOrder {
 public:
  // The indices of all entries, best first. Valid until the next call.
  std::span<const uint32_t> Sort(std::span<const CandidatePool::Entry> entries);

 private:
  // Sorts items whose scores are 0 by unweighed rank, then by row.
  void SortZeros(std::span<const CandidatePool::Entry> entries,
                 std::span<KeyedId> items);
  // Sorts items whose scores are equal by row.
  void SortTie(std::span<const CandidatePool::Entry> entries,
               std::span<KeyedId> items);

  std::vector<KeyedId> items_;
  std::vector<KeyedId> scratch_;
  std::vector<uint32_t> order_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_SCORE_ORDER_H_
