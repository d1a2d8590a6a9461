#include "server/pipeline/stage_times.h"

#include <algorithm>

namespace tributary {

void NoteSources(const ServingBundle& bundle, const Plan& plan,
                 std::span<const SourceResult> results, StageTimes* stages) {
  stages->k = plan.fusion.k;
  stages->cold_start = plan.cold_start;
  stages->level = plan.level;
  stages->filter = plan.filter_duration;
  stages->filter_began =
      plan.filter == nullptr ? SteadyTime() : plan.filter_began;
  if (plan.filter == nullptr) stages->filter = {};
  stages->source_count = static_cast<uint32_t>(results.size());
  stages->planned = {};
  for (size_t i = 0; i < results.size(); ++i) {
    const SourceResult& result = results[i];
    const PlannedSource& source = plan.sources[i];
    stages->sources[i] = {
        .name = bundle.NameOf(source.retriever),
        .began = result.began,
        .duration = result.duration,
        .state = result.state,
        .asked = source.asked,
        .proposed = static_cast<uint32_t>(result.proposals.size()),
        .admitted = 0};
    if (result.began == SteadyTime()) continue;
    stages->planned = stages->planned == SteadyTime()
                          ? result.began
                          : std::min(stages->planned, result.began);
  }
}

void NoteReply(const Reply& reply, SteadyTime fused,
               std::chrono::nanoseconds fusion, SteadyTime replied,
               StageTimes* stages) {
  NoteSources(*reply.bundle, *reply.plan, reply.results, stages);
  for (size_t i = 0; i < reply.results.size(); ++i) {
    stages->sources[i].admitted = reply.fused->outcomes[i].admitted;
  }
  stages->profile = reply.profile;
  stages->candidates = static_cast<uint32_t>(reply.fused->candidates.size());
  stages->deeper_rounds = reply.plan->deeper_rounds;
  stages->degraded = IsDegraded(reply);
  stages->fused = fused;
  stages->fusion = fusion;
  stages->replied = replied;
}

}  // namespace tributary
