#ifndef TRIBUTARY_SERVER_FUSION_FUSE_H_
#define TRIBUTARY_SERVER_FUSION_FUSE_H_

#include <span>

#include "server/fusion/fusion.h"

namespace tributary {

// Fuses the sources' proposals into *result, whose memory is reused; what else
// it needs is kept per thread, so that the steady state allocates nothing.
// A pure function of its input, and thread-safe. Every policy scores all
// proposals, lets each source reserve its own, fills up to k by score within
// each `max`, and orders the list by score, ties by row:
//   kQuota       with a model: reserves `target` by score; score: the sum of
//                weight * RankValue(rank), the log-odds that the item is
//                wanted. Without: reserves `target` by rank; score: the sum of
//                1 / ((2 i + 1) (k0 + rank)) for the i-th source. Both were
//                found by measurement to keep every prefix at or above the best
//                source's
//   kRrf         reserves `min`; sum of weight / (k0 + rank), rank from 1
//                (Cormack, Clarke, Buettcher 2009)
//   kWeighted    reserves `min`; sum of weight * score, scaled to 0..1 within
//                its source
//   kInterleave  reserves `min`; sources take turns in order of priority, each
//                giving its best that is not in the list yet
// A reserved item counts for the source that reserved it; any other for the
// first of its sources that has not reached its `max`.
// REQUIRES: at most kMaxSources sources; k0 > 0; min <= target <= max.
void Fuse(std::span<const FusionSource> sources, const FusionOptions& options,
          FusionResult* result);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_FUSE_H_
