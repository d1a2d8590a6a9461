#ifndef TRIBUTARY_SERVER_PIPELINE_REPLY_H_
#define TRIBUTARY_SERVER_PIPELINE_REPLY_H_

#include <span>
#include <string>

#include "server/fusion/fusion.h"
#include "server/metrics/server_metrics.h"
#include "server/pipeline/fan_out.h"
#include "server/pipeline/plan.h"
#include "server/versions/serving_bundle.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Replaces *bytes by the reply, a RetrieveResponse in protobuf's wire format:
// rows become keys, columns are filled. results[i] and fused.outcomes[i] belong
// to plan.sources[i]. `rest` is scratch.
void EncodeReply(const ServingBundle& bundle, const Plan& plan,
                 std::span<const SourceResult> results,
                 const FusionResult& fused, v1::RetrieveResponse* rest,
                 std::string* bytes);

// Counts what the reply tells of its sources.
void CountReply(const ServingBundle& bundle, const Plan& plan,
                std::span<const SourceResult> results,
                const FusionResult& fused, ServerMetrics* metrics);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_REPLY_H_
