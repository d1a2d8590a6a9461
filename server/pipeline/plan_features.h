// What a request knows of its user (user_features): its check, and its place in
// the plan.
#ifndef TRIBUTARY_SERVER_PIPELINE_PLAN_FEATURES_H_
#define TRIBUTARY_SERVER_PIPELINE_PLAN_FEATURES_H_

#include <cstdint>

#include "server/pipeline/plan.h"
#include "server/pipeline/violations.h"
#include "server/versions/serving_bundle.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// How many features a request may have.
inline constexpr uint32_t kMaxUserFeatures = 64;

// Checks user_features against the towers of the bundle.
void CheckUserFeatures(const v1::Limits& limits, const Bundle& bundle,
                       const v1::RetrieveRequest& request,
                       Violations* violations);

// Sets plan->query.user_features, which views the request. A request with a
// value that a tower knows is no cold start. Allocates nothing once the plan
// has grown. REQUIRES: the request was checked; the rest of the query is
// planned.
void PlanUserFeatures(const ServingBundle& bundle,
                      const v1::RetrieveRequest& request, Plan* plan);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_PLAN_FEATURES_H_
