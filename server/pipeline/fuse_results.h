#ifndef TRIBUTARY_SERVER_PIPELINE_FUSE_RESULTS_H_
#define TRIBUTARY_SERVER_PIPELINE_FUSE_RESULTS_H_

#include <span>
#include <vector>

#include "server/fusion/fusion.h"
#include "server/pipeline/fan_out.h"
#include "server/pipeline/plan.h"

namespace tributary {

// Fuses the sources' proposals into *fused, as the plan says. results[i]
// belongs to plan.sources[i]. *sources is scratch memory.
void FuseResults(const Plan& plan, std::span<const SourceResult> results,
                 std::vector<FusionSource>* sources, FusionResult* fused);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_FUSE_RESULTS_H_
