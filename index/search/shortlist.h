#ifndef TRIBUTARY_INDEX_SEARCH_SHORTLIST_H_
#define TRIBUTARY_INDEX_SEARCH_SHORTLIST_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/bundle/row.h"

namespace tributary {

// The arrays of a Shortlist have room for this many elements past its capacity,
// so that SIMD code may read and write whole vectors there.
inline constexpr size_t kShortlistPadding = 64;

// Candidates of a search: ids (rows, slots or lists) and their scores, in two
// parallel arrays, so that SIMD code can select among them.
//
// Selecting the best k of n in an order-preserving way needs only a threshold
// with k scores above it. KeepBest and DropWorse find one by bisection: count
// the scores above the middle of [low, high], a loop without branches over
// whole SIMD vectors, and halve the interval. `slack` ends the bisection early:
// any threshold with want to want + slack scores above it will do. Then one
// pass compresses both arrays. That is several passes over the scores, but none
// of them has the unpredictable branches of a heap or of std::nth_element.
//
// Memory is never given back, so that a thread_local list stops allocating.
// Not thread-safe. REQUIRES: Reset is called first.
class Shortlist {
 public:
  // Removes all entries and makes room for `capacity` and the padding.
  void Reset(size_t capacity);

  size_t size() const { return size_; }
  // Keeps the entries, and makes room for `capacity` of them and the padding.
  void MakeRoom(size_t capacity);

  // How many entries there is room for; at least what Reset was given.
  size_t capacity() const { return scores_.size() - kShortlistPadding; }
  // Of capacity() elements and the padding; the first size() are the entries.
  float* scores() { return scores_.data(); }
  uint32_t* ids() { return ids_.data(); }
  const float* scores() const { return scores_.data(); }
  // REQUIRES: size <= capacity().
  void set_size(size_t size) { size_ = size; }

  // Keeps the best `want` entries, or up to `slack` more, in their order, and
  // drops the others. If too many have equal scores, it keeps the first of
  // those, and exactly `want` entries. Returns a threshold that no dropped
  // score exceeds. With at most want + slack entries it does nothing and
  // returns -infinity. REQUIRES: no score is NaN; want > 0.
  float KeepBest(size_t want, size_t slack);

  // A score with `want` to want + slack scores above it, or nearly so where
  // many are equal. REQUIRES: size() > want > 0; no score is NaN.
  float Threshold(size_t want, size_t slack) const;

  // As KeepBest, but keeps all or none of the entries with equal scores, so
  // that more than want + slack may remain.
  void DropWorse(size_t want, size_t slack);

 private:
  std::vector<float> scores_;
  std::vector<uint32_t> ids_;
  size_t size_ = 0;
};

// Replaces *hits with the n best entries of `list`, whose ids are rows, best
// first, ties by row. Drops other entries of `list` and keeps their order.
void TakeBest(uint32_t n, Shortlist* list, std::vector<ScoredRow>* hits);

// Sorts the entries by descending score; the order of ties stays.
void SortByScore(Shortlist* list);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_SHORTLIST_H_
