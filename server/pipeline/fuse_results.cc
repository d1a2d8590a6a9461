#include "server/pipeline/fuse_results.h"

#include "server/fusion/fuse.h"

namespace tributary {

void FuseResults(const Plan& plan, std::span<const SourceResult> results,
                 std::vector<FusionSource>* sources, FusionResult* fused) {
  sources->clear();
  for (size_t i = 0; i < results.size(); ++i) {
    const PlannedSource& source = plan.sources[i];
    sources->push_back({.proposals = results[i].proposals,
                        .target = source.target,
                        .min = source.min,
                        .max = source.max,
                        .weight = source.weight});
  }
  Fuse(*sources, plan.fusion, fused);
}

}  // namespace tributary
