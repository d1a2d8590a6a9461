#ifndef TRIBUTARY_SERVER_PIPELINE_REPLY_METRICS_H_
#define TRIBUTARY_SERVER_PIPELINE_REPLY_METRICS_H_

#include "server/metrics/server_metrics.h"
#include "server/pipeline/reply.h"

namespace tributary {

// Counts the reply, and what each source contributed to it. Thread-safe;
// allocates nothing.
void CountReply(const Reply& reply, ServerMetrics* metrics);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_REPLY_METRICS_H_
