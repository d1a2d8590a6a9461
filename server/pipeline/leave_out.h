#ifndef TRIBUTARY_SERVER_PIPELINE_LEAVE_OUT_H_
#define TRIBUTARY_SERVER_PIPELINE_LEAVE_OUT_H_

#include "server/pipeline/plan.h"
#include "server/versions/serving_bundle.h"
#include "tributary/v1/fusion.pb.h"

namespace tributary {

// Marks the sources that plan->level leaves out; fusion fills their places with
// what the others propose. Sources that cost nearly nothing are always asked.
//
// FEWER_SOURCES: leaves out the costly sources that add least, as long as the
// others cost more than half of what all of them do. What a source adds is the
// loss of recall without it that was measured when the bundle was built (the
// model's contributions, at the longest list); without such a measurement it is
// its target.
//
// POPULARITY_ONLY: leaves out all costly sources. If there are no others, the
// cheapest is asked.
//
// REQUIRES: the level is one of the two; plan->sources is complete.
void LeaveOut(const v1::FusionModel& model, const ServingBundle& bundle,
              Plan* plan);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_LEAVE_OUT_H_
