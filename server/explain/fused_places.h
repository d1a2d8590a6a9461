#ifndef TRIBUTARY_SERVER_EXPLAIN_FUSED_PLACES_H_
#define TRIBUTARY_SERVER_EXPLAIN_FUSED_PLACES_H_

#include <span>

#include "index/bundle/bundle.h"
#include "server/explain/findings.h"
#include "server/pipeline/reply.h"

namespace tributary {

// Sets what fusion made of the items: of their sources the proposed_rank and
// the contribution; proposed, fused_rank, fused_score, factor; full_caps and
// fits_without_caps. Fuses the reply's proposals again for that, with what is
// asked about left out. REQUIRES: the findings have the sources of the plan.
void FindFusedPlaces(const Reply& reply, std::span<Finding> findings);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_EXPLAIN_FUSED_PLACES_H_
