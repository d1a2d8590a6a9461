#ifndef TRIBUTARY_EVALUATION_SOURCE_OVERLAP_H_
#define TRIBUTARY_EVALUATION_SOURCE_OVERLAP_H_

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/held_out_users.h"
#include "index/bundle/row.h"

namespace tributary {

// Counts what sources propose in common, and which hits one alone has. Add is
// thread-safe.
class SourceOverlap {
 public:
  // REQUIRES: n_sources <= 32.
  explicit SourceOverlap(size_t n_sources)
      : n_(n_sources), counts_(n_ * n_ + 2 * n_) {}

  // One user's lists, by source.
  void Add(const TestUser& user, std::span<const std::span<const Row>> lists);

  // Of all users' lists of two sources: items in both / items in either
  // (Jaccard); 0 when both are empty.
  double Jaccard(size_t s, size_t t) const;
  // How many test items the source's lists have, and that no other's have.
  uint64_t hits(size_t s) const { return counts_[HitsOf(s)].load(); }
  uint64_t unique_hits(size_t s) const {
    return counts_[UniqueHitsOf(s)].load();
  }

 private:
  size_t HitsOf(size_t s) const { return n_ * n_ + s; }
  size_t UniqueHitsOf(size_t s) const { return n_ * n_ + n_ + s; }

  const size_t n_;
  // [n, n] items in both, of a source with itself its items; then hits; then
  // unique hits.
  std::vector<std::atomic<uint64_t>> counts_;
};

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_SOURCE_OVERLAP_H_
