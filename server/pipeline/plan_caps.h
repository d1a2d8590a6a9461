#ifndef TRIBUTARY_SERVER_PIPELINE_PLAN_CAPS_H_
#define TRIBUTARY_SERVER_PIPELINE_PLAN_CAPS_H_

#include "server/pipeline/plan.h"
#include "server/pipeline/violations.h"

namespace tributary {

// Sets what the request's caps come to: plan->groups, plan->fusion.caps,
// plan->fillable and plan->deepest. Adds a violation for each cap that is
// wrong. REQUIRES: plan->fusion.k, plan->sources and plan->query.passing are
// set.
void PlanCaps(const v1::ServerConfig& config, const ServingBundle& serving,
              const v1::RetrieveRequest& request, Plan* plan,
              Violations* violations);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_PLAN_CAPS_H_
