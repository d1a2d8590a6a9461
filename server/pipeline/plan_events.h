#ifndef TRIBUTARY_SERVER_PIPELINE_PLAN_EVENTS_H_
#define TRIBUTARY_SERVER_PIPELINE_PLAN_EVENTS_H_

#include <vector>

#include "index/bundle/bundle.h"
#include "server/pipeline/plan.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Sets plan->met and plan->live_history to what live events say of the
// request's user. Items that live changes added count as those that stand in
// for them. REQUIRES: plan->overlay and plan->query.user are set.
void PlanEvents(const Bundle& bundle, const v1::RetrieveRequest& request,
                Plan* plan);

// Appends the rows of added items that the user met.
void AppendMetAdded(const AddedItems& added, const MetItems& met,
                    std::vector<Row>* rows);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_PLAN_EVENTS_H_
