// What a request makes of items that live changes added to the bundle.
#ifndef TRIBUTARY_SERVER_PIPELINE_PLAN_ADDED_H_
#define TRIBUTARY_SERVER_PIPELINE_PLAN_ADDED_H_

#include <cstdint>
#include <memory>
#include <span>

#include "index/bundle/row_set.h"
#include "index/filter/filter_cache.h"
#include "server/pipeline/plan.h"

namespace tributary {

// How many items pass plan.filter, added ones in use included. REQUIRES: there
// is a filter.
uint64_t PassingCount(const ServingBundle& bundle, const Plan& plan);

// REQUIRES for all of these: plan->added() is not null.

// The part of plan.excluded that the bundle has.
std::span<const Row> ExcludedOfBundle(const Plan& plan);

// Replaces added items among the recent, liked and unliked ones, which sources
// look up in the bundle, by the items of the bundle that stand in for them.
// Those without one are dropped.
void TakeAddedFromHistory(Plan* plan);

// Which added items pass the filter.
std::shared_ptr<const RowSet> PassingAdded(const ServingBundle& bundle,
                                           const ResolvedFilter& filter,
                                           const Plan& plan);

// Sets which added items may be proposed: plan->query.added and added_allowed.
// REQUIRES: PlanFilter; plan->excluded.
void PlanAdded(const ServingBundle& bundle, const v1::Filter& filter,
               Plan* plan);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_PLAN_ADDED_H_
