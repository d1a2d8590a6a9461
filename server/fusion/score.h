#ifndef TRIBUTARY_SERVER_FUSION_SCORE_H_
#define TRIBUTARY_SERVER_FUSION_SCORE_H_

#include <span>

#include "server/fusion/candidate_pool.h"
#include "server/fusion/fusion.h"

namespace tributary {

// Sets every entry's score, 0 or more, as the policy has it: see fuse.h.
// REQUIRES: the pool holds the merged proposals of `sources`.
void ScoreCandidates(std::span<const FusionSource> sources,
                     const FusionOptions& options, CandidatePool* pool);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_SCORE_H_
