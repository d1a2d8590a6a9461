#ifndef TRIBUTARY_SERVER_PIPELINE_ASK_DEEPER_H_
#define TRIBUTARY_SERVER_PIPELINE_ASK_DEEPER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "server/pipeline/fan_out.h"
#include "server/pipeline/plan.h"
#include "server/pipeline/worker_pool.h"
#include "server/versions/serving_bundle.h"

namespace tributary {

// Whether caps have left the list shorter than it could be, so that AskDeeper
// may help. False under overload, and after so many rounds that sources were
// asked for 16 times as many proposals as at first.
bool IsShortByCaps(const Plan& plan, const FusionResult& fused);

// Asks each source that proposed all that it was asked for, for twice as many
// proposals, at most plan->deepest, and replaces its proposals and
// plan->sources[i].asked. A source that fails now, is late, or has no more,
// keeps what it proposed before. Returns whether any source proposed more.
// *deeper is scratch memory. REQUIRES: `results` are those of FanOut for this
// plan.
bool AskDeeper(const std::shared_ptr<const ServingBundle>& bundle,
               WorkerPool* pool, uint32_t inline_below_us, Plan* plan,
               std::span<SourceResult> results,
               std::vector<SourceResult>* deeper);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_ASK_DEEPER_H_
