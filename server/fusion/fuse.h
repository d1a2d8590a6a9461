#ifndef TRIBUTARY_SERVER_FUSION_FUSE_H_
#define TRIBUTARY_SERVER_FUSION_FUSE_H_

#include <span>

#include "server/fusion/fusion.h"

namespace tributary {

// Fuses the proposals of the sources into one list of at most k items:
// 1. Scores every proposed item (score.cc has the formulas), and multiplies
// each
//    score by the item's factor.
// 2. Lets each source, in order of priority, reserve items of its own: `min` of
//    them by every policy, and `target` by kQuota.
// 3. Fills the list up to k by score, as long as some source of the item has
//    not reached its `max`.
// 4. Orders the list by score, highest first, ties by row. Items that only
//    sources with a weight of 0 propose have the score 0; they come last, by
//    their best rank.
//
//   policy              score: sum over the item's sources    reserves
//   kQuota with model   weight * ln(1 + 60 / rank)            target, by score
//   kQuota without      1 / ((2 s + 1) (k0 + rank)), s >= 0   target, by rank
//   kRrf                weight / (k0 + rank)                  min, by rank
//   kWeighted           weight * score scaled to 0..1         min, by rank
//   kInterleave         sources take turns instead            min, by rank
// Here ranks count from 1, and s is the source's position in order of priority.
// "By score" is by the score that was multiplied; ranks are the sources' own.
// The n-th item of turns has the score 1 / n, so that a factor moves it, too.
//
// No step chooses an item of whose group the list has as many as a cap allows.
// Without reservations, the list is therefore what one gets by walking through
// all proposed items in their order, and leaving out each that would exceed a
// cap by those before it, until there are k. An item that was reserved takes
// its place in its group, although better ones of the group may come later.
//
// With diversity, steps 2 and 3 select a pool of 4 k, without caps, from which
// MarginalRelevance chooses the list in its order, under the caps. Where caps
// leave the list shorter than k, the pool is doubled, up to all items.
//
// An item that a source reserves counts towards that source's quota; any other
// item counts towards that of its first source with room. In a diverse list, an
// item counts towards the quota of its first source that is below its target.
//
// Scores are finite for all weights: if the largest one is above 1e15 or below
// 1e-15, all are scaled so that it is not, which changes no order. With
// factors, a score is at most the largest float.
//
// *result depends on the input alone. Its memory is reused, and scratch memory
// is kept per thread, so that the steady state allocates nothing. Thread-safe.
// REQUIRES: at most kMaxSources sources; k0 > 0; min <= target <= max.
void Fuse(std::span<const FusionSource> sources, const FusionOptions& options,
          FusionResult* result);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_FUSE_H_
