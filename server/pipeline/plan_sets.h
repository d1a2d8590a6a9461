#ifndef TRIBUTARY_SERVER_PIPELINE_PLAN_SETS_H_
#define TRIBUTARY_SERVER_PIPELINE_PLAN_SETS_H_

#include <cstddef>

#include "absl/status/status.h"
#include "server/pipeline/plan.h"

namespace tributary {

// How many sets a request may exclude.
inline constexpr size_t kMaxExcludedSets = 8;

// Takes the items of the filter's exclude_sets, and those that live changes
// took down, from those that pass: plan->query.passing. One set alone, or the
// changes alone, are known to the bundle already, and of several, or of sets
// and conditions, the bundle keeps what it made of them for the next request.
// plan->filter, which the report is about, stays as it is. Errors:
// INVALID_ARGUMENT, with google.rpc.BadRequest, for a set that does not exist,
// or too many. REQUIRES: PlanFilter.
absl::Status PlanExcludedSets(const v1::ServerConfig& config,
                              const ServingBundle& bundle,
                              const v1::Filter& filter, Plan* plan);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_PLAN_SETS_H_
