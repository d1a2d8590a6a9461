#ifndef TRIBUTARY_SERVER_FUSION_SCORE_H_
#define TRIBUTARY_SERVER_FUSION_SCORE_H_

#include <span>

#include "server/fusion/candidate_pool.h"
#include "server/fusion/fusion.h"

namespace tributary {

// Sets the score of every entry, 0 or more, by the formula of the policy.
// REQUIRES: the pool holds the merged proposals of `sources`.
void ScoreCandidates(std::span<const FusionSource> sources,
                     const FusionOptions& options, CandidatePool* pool);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_SCORE_H_
