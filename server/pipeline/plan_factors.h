#ifndef TRIBUTARY_SERVER_PIPELINE_PLAN_FACTORS_H_
#define TRIBUTARY_SERVER_PIPELINE_PLAN_FACTORS_H_

#include "absl/status/status.h"
#include "server/pipeline/plan.h"
#include "server/pipeline/violations.h"

namespace tributary {

// How many boosts a request may have.
inline constexpr int kMaxBoosts = 16;

// Sets what the request's boosts and decay come to: plan->factors and
// plan->fusion.factors. Adds a violation for each that is wrong. An error is
// one of the server's own, not of the request.
absl::Status PlanFactors(const v1::ServerConfig& config,
                         const ServingBundle& bundle,
                         const v1::RetrieveRequest& request, Plan* plan,
                         Violations* violations);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_PLAN_FACTORS_H_
