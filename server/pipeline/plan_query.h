#ifndef TRIBUTARY_SERVER_PIPELINE_PLAN_QUERY_H_
#define TRIBUTARY_SERVER_PIPELINE_PLAN_QUERY_H_

#include "index/bundle/bundle.h"
#include "server/pipeline/plan.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Sets plan->liked and plan->unliked to the known ones of the request's items,
// and plan->history_weights to the weights of its known recent items, in their
// order. Counts unknown ones of like and unlike in plan->unknown_items.
void PlanWeightedItems(const Bundle& bundle, const v1::RetrieveRequest& request,
                       Plan* plan);

// Sets plan->vectors to those of `vectors` and `queries`.
void PlanVectors(const v1::RetrieveRequest& request, Plan* plan);

// Sets plan->fusion.diversity but for its deadline, and plan->wanted to how
// many proposals a list of k needs. REQUIRES: the request was checked.
void PlanDiversity(const v1::Limits& limits, const Bundle& bundle,
                   const v1::RetrieveRequest& request, v1::ServiceLevel level,
                   Plan* plan);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_PLAN_QUERY_H_
