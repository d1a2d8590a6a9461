#ifndef TRIBUTARY_SERVER_FUSION_MARGINAL_RELEVANCE_H_
#define TRIBUTARY_SERVER_FUSION_MARGINAL_RELEVANCE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "server/fusion/cap_counts.h"
#include "server/fusion/fusion.h"

namespace tributary {

// What a diverse list is chosen from. Views.
struct RelevancePool {
  // Descending.
  std::span<const float> scores;
  // One for each score, `stride` values apart; see MakeUnit.
  // Null: the deadline passed before they were made.
  const int16_t* units = nullptr;
  size_t stride = 0;
  FusionDeadline deadline = {};
  // Null: no caps. Its items are items[i] for the i-th score.
  CapCounts* caps = nullptr;
  std::span<const uint32_t> items;
};

// Chooses by maximal marginal relevance (Carbonell and Goldstein, 1998): each
// next one is that with the greatest
//   lambda * relevance - (1 - lambda) * likeness,
// where relevance is the score scaled to 0 to 1 over the pool (1 where all
// scores are equal), and likeness the greatest product with the vector of one
// chosen before, 0 for the first. Of equal ones it is the one with the higher
// score, then the earlier one. One that a cap keeps out is passed over for
// good.
//
// Likeness only grows while a list does, so that what was computed earlier is
// an upper bound: only those are compared with the newer ones whose bound is
// the greatest of all ("accelerated greedy", Minoux 1978). The list is exactly
// that of comparing all.
//
// When the deadline passes, the rest is chosen by score.
//
// Reused from call to call for its memory; not thread-safe. REQUIRES: fewer
// than 2^24 members.
class MarginalRelevance {
 public:
  // The indices in the pool of at most k, in the order of choice. Valid until
  // the next call.
  std::span<const uint32_t> Choose(const RelevancePool& pool, double lambda,
                                   uint32_t k);
  // Whether the deadline of the last call passed before it had chosen all.
  bool stopped() const { return stopped_; }

 private:
  // A member of the pool that was not chosen yet, as a number: the greatest has
  // the greatest bound of a value, and then the smallest index. From the
  // highest bit on it is the bound (40 bits) and the index, inverted (24).
  using Open = uint64_t;
  static constexpr int kIndexBits = 24;
  static uint32_t IndexOf(Open open) {
    return static_cast<uint32_t>(~open & ((1u << kIndexBits) - 1));
  }
  // With the bound that follows from likeness_[index].
  Open OpenOf(uint32_t index) const;

  void Rank(std::span<const float> scores);
  void Add(const RelevancePool& pool, uint32_t index);
  // Chooses from open_ by score, until there are k.
  void ChooseByScore(const RelevancePool& pool, uint32_t k);
  // Compares the first of open_ with the chosen ones that it was not compared
  // with, until its bound falls below another's, and moves it to its place.
  void CompareFirst(const RelevancePool& pool);
  void MoveFirstDown();
  void RemoveFirst();

  double lambda_ = 1;
  std::vector<uint32_t> chosen_;
  // The vectors of chosen_, end to end.
  std::vector<int16_t> chosen_units_;
  bool stopped_ = false;
  // How many values were multiplied since the clock was looked at.
  size_t multiplied_ = 0;
  // A heap, the greatest first.
  std::vector<Open> open_;
  // By index in the pool: relevance; how many of chosen_ it was compared with;
  // the greatest product with those.
  std::vector<double> relevance_;
  std::vector<uint32_t> compared_;
  std::vector<int32_t> likeness_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_MARGINAL_RELEVANCE_H_
