#ifndef TRIBUTARY_SERVER_FUSION_SCORE_ORDER_H_
#define TRIBUTARY_SERVER_FUSION_SCORE_ORDER_H_

#include <array>
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
  static constexpr int kDigitBits = 8;
  static constexpr size_t kDigits = 4;
  using Counts = std::array<uint32_t, 1 << kDigitBits>;

  void TakeKeys(std::span<const CandidatePool::Entry> entries);
  // Moves items_ into the order of one digit, stably.
  void MoveByDigit(size_t digit);
  void BreakTies(std::span<const CandidatePool::Entry> entries);

  std::vector<Item> items_;
  std::vector<Item> moved_;
  std::array<Counts, kDigits> counts_;
  std::vector<uint32_t> places_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_SCORE_ORDER_H_
