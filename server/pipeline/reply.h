#ifndef TRIBUTARY_SERVER_PIPELINE_REPLY_H_
#define TRIBUTARY_SERVER_PIPELINE_REPLY_H_

#include <span>

#include "server/fusion/fusion.h"
#include "server/metrics/server_metrics.h"
#include "server/pipeline/fan_out.h"
#include "server/pipeline/plan.h"
#include "server/pipeline/serving_bundle.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Replaces *response: rows become keys, columns are filled. results[i] and
// fused.outcomes[i] belong to plan.sources[i].
void WriteReply(const ServingBundle& bundle, const Plan& plan,
                std::span<const SourceResult> results,
                const FusionResult& fused, v1::RetrieveResponse* response);

// Counts what the reply tells of its sources.
void CountReply(std::span<const SourceResult> results,
                const FusionResult& fused, const v1::RetrieveResponse& response,
                ServerMetrics* metrics);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_REPLY_H_
