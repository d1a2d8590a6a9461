#ifndef TRIBUTARY_INDEX_SEARCH_SHORTLIST_H_
#define TRIBUTARY_INDEX_SEARCH_SHORTLIST_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/bundle/row.h"

namespace tributary {

// Arrays given to the functions below are read and written up to so many
// elements past their size.
inline constexpr size_t kShortlistPadding = 64;

// Numbered things and their scores, side by side, so that SIMD code can sift
// them. Grows only; not thread-safe. REQUIRES: Reset comes first.
class Shortlist {
 public:
  // Forgets everything and makes room for `capacity` entries and the padding.
  void Reset(size_t capacity);

  size_t size() const { return size_; }
  // What there is room for.
  size_t capacity() const { return scores_.size() - kShortlistPadding; }
  float* scores() { return scores_.data(); }
  uint32_t* ids() { return ids_.data(); }
  // REQUIRES: size <= capacity.
  void set_size(size_t size) { size_ = size; }

  // Drops all but the `want` of the best scores, up to `slack` more, or among
  // equals the first, and keeps the order. Returns a threshold: what is dropped
  // is not above it. Does nothing, and returns -infinity, when there are no
  // more than want + slack. Instead of sorting, bisects for a threshold by
  // counting, sixteen scores at a time (AVX-512).
  // REQUIRES: scores are not NaN; want > 0.
  float KeepBest(size_t want, size_t slack);

  // The same, but of equals it keeps all or none, so that more than want +
  // slack may stay.
  void DropWorse(size_t want, size_t slack);

 private:
  std::vector<float> scores_;
  std::vector<uint32_t> ids_;
  size_t size_ = 0;
};

// Replaces *hits with the n best of `list` (ids are rows), best first, exactly:
// ties by row. `list` is left in any order.
void TakeBest(uint32_t n, Shortlist* list, std::vector<ScoredRow>* hits);

// Sorts the ids by falling score.
void SortByScore(Shortlist* list);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_SHORTLIST_H_
