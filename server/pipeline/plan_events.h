#ifndef TRIBUTARY_SERVER_PIPELINE_PLAN_EVENTS_H_
#define TRIBUTARY_SERVER_PIPELINE_PLAN_EVENTS_H_

#include "index/bundle/bundle.h"
#include "server/pipeline/plan.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Sets plan->met and plan->live_history to what live events say of the
// request's user. REQUIRES: plan->overlay and plan->query.user are set.
void PlanEvents(const Bundle& bundle, const v1::RetrieveRequest& request,
                Plan* plan);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_PLAN_EVENTS_H_
