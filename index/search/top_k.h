#ifndef TRIBUTARY_INDEX_SEARCH_TOP_K_H_
#define TRIBUTARY_INDEX_SEARCH_TOP_K_H_

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "index/bundle/row.h"

namespace tributary {

// Selects the n best of scores that come in the order of their rows. Instead
// of a heap operation per candidate, it collects what beats a threshold and,
// whenever n more have come together, drops all but the n best and raises the
// threshold: in a long scan nearly every score costs one comparison.
//
// Scores that are NaN or -infinity are never selected. Not thread-safe.
class TopK {
 public:
  // Collects in *hits, which is cleared and must outlive this object; it grows
  // to 2n entries at most.
  TopK(uint32_t n, std::vector<ScoredRow>* hits);

  // Offers rows first_row, first_row + 1, ... REQUIRES: first_row is above
  // every row offered before.
  void Offer(Row first_row, std::span<const float> scores);

  // Leaves the n best in *hits, best first, ties by row.
  void Finish();

 private:
  void OfferEach(Row first_row, std::span<const float> scores);
  void DropAllButBest();

  const uint32_t n_;
  // Later rows lose ties, so that only what is above can still get in.
  float threshold_ = -std::numeric_limits<float>::infinity();
  std::vector<ScoredRow>* const hits_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_TOP_K_H_
