#ifndef TRIBUTARY_EVALUATION_SOURCE_OVERLAP_H_
#define TRIBUTARY_EVALUATION_SOURCE_OVERLAP_H_

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/held_out_users.h"
#include "index/bundle/row.h"

namespace tributary {

// Counts the items that sources propose in common, their hits, and their unique
// hits. Add is thread-safe.
class SourceOverlap {
 public:
  // REQUIRES: n_sources <= 32.
  explicit SourceOverlap(size_t n_sources)
      : n_(n_sources), counts_(n_ * n_ + 2 * n_) {}

  // One user's lists, by source.
  void Add(const TestUser& user, std::span<const std::span<const Row>> lists);

  // Jaccard similarity of two sources' lists over all users: items in both /
  // items in either; 0 when both are empty.
  double Jaccard(size_t s, size_t t) const;
  // How many test items the source's lists contain.
  uint64_t hits(size_t s) const { return counts_[HitsOf(s)].load(); }
  // How many of them no other source's list contains.
  uint64_t unique_hits(size_t s) const {
    return counts_[UniqueHitsOf(s)].load();
  }

 private:
  size_t HitsOf(size_t s) const { return n_ * n_ + s; }
  size_t UniqueHitsOf(size_t s) const { return n_ * n_ + n_ + s; }

  const size_t n_;
  // [n, n] items in both of two sources (on the diagonal: in that source), then
  // [n] hits, then [n] unique hits.
  std::vector<std::atomic<uint64_t>> counts_;
};

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_SOURCE_OVERLAP_H_
