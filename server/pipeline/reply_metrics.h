#ifndef TRIBUTARY_SERVER_PIPELINE_REPLY_METRICS_H_
#define TRIBUTARY_SERVER_PIPELINE_REPLY_METRICS_H_

#include <chrono>

#include "server/metrics/server_metrics.h"
#include "server/pipeline/reply.h"

namespace tributary {

// Counts the reply, which took `duration` to make, and what each source
// contributed to it. Thread-safe; allocates nothing but the counters of a label
// and a profile that come together for the first time.
void CountReply(const Reply& reply, std::chrono::nanoseconds duration,
                ServerMetrics* metrics);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_REPLY_METRICS_H_
