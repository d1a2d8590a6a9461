#ifndef TRIBUTARY_SERVER_PIPELINE_PLAN_FILTER_H_
#define TRIBUTARY_SERVER_PIPELINE_PLAN_FILTER_H_

#include "absl/status/status.h"
#include "server/pipeline/plan.h"

namespace tributary {

// The limits of a condition, and of those that are kept.
FilterLimits FilterLimitsOf(const v1::ServerConfig& config);

// Finds the items that pass the filter's `where` and `predicate`, if it has
// any, and sets plan->filter, plan->query.passing and plan->relaxed. If fewer
// than plan->fusion.k items pass, it does what the filter says to do then.
// Errors: INVALID_ARGUMENT, with google.rpc.BadRequest; FAILED_PRECONDITION
// when too few pass and the filter says to fail.
absl::Status PlanFilter(const v1::ServerConfig& config,
                        const ServingBundle& bundle, const v1::Filter& filter,
                        Plan* plan);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_PLAN_FILTER_H_
