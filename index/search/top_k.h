#ifndef TRIBUTARY_INDEX_SEARCH_TOP_K_H_
#define TRIBUTARY_INDEX_SEARCH_TOP_K_H_

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "index/bundle/row.h"

namespace tributary {

// Selects the n best of scores that arrive in the order of their rows.
//
// A heap costs O(log n) per score that enters it. This class instead appends
// each score above a threshold to a buffer of 2n. When the buffer is full, it
// keeps the n best (std::nth_element) and raises the threshold to the worst of
// them. In a long scan few scores pass the threshold, so that nearly every
// score costs one comparison.
//
// Scores that are NaN or -infinity are never selected. Not thread-safe.
class TopK {
 public:
  // Clears *hits and collects there; *hits must outlive this object and grows
  // to at most 2n entries.
  TopK(uint32_t n, std::vector<ScoredRow>* hits);

  // Offers rows first_row, first_row + 1, ... REQUIRES: first_row is above
  // every row offered before.
  void Offer(Row first_row, std::span<const float> scores);

  // Leaves the n best in *hits, best first, ties by row. Call it once, last.
  void Finish();

 private:
  void OfferEach(Row first_row, std::span<const float> scores);
  void DropAllButBest();

  const uint32_t n_;
  // Rows arrive in ascending order and the higher row loses a tie, so a score
  // must exceed the threshold to enter.
  float threshold_ = -std::numeric_limits<float>::infinity();
  std::vector<ScoredRow>* const hits_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_TOP_K_H_
