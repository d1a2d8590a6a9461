// The request path: plan, fan out, fuse, reply. This folder joins retrieval
// and fusion, which do not know each other; it knows the proto messages, and no
// gRPC.
#ifndef TRIBUTARY_SERVER_PIPELINE_PIPELINE_H_
#define TRIBUTARY_SERVER_PIPELINE_PIPELINE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "server/metrics/server_metrics.h"
#include "server/pipeline/worker_pool.h"
#include "server/versions/serving_bundle.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

class LiveRecall;

// Answers requests from a bundle. Thread-safe; holds no state of requests.
class Pipeline {
 public:
  // `config` is complete (see CompleteServerConfig). `metrics` and
  // `live_recall` may be null; they and `pool` outlive the pipeline.
  Pipeline(const v1::ServerConfig& config, WorkerPool* pool,
           ServerMetrics* metrics, LiveRecall* live_recall);

  // Replaces *reply by the answer from `bundle`, a RetrieveResponse in
  // protobuf's wire format. `deadline` is the caller's; the configured one
  // applies if it is earlier. Errors: INVALID_ARGUMENT, its message beginning
  // with the field's path, e.g. "quotas[\"content\"].max: ...";
  // DEADLINE_EXCEEDED when it was over before any source could answer.
  //
  // Once a thread has answered a few requests and a *reply is as large as it
  // gets, nothing is allocated, but for sources that run on the pool.
  absl::Status Retrieve(std::shared_ptr<const ServingBundle> bundle,
                        const v1::RetrieveRequest& request, SteadyTime deadline,
                        std::string* reply) const;
  // The same as a message (on an arena or not).
  absl::Status Retrieve(std::shared_ptr<const ServingBundle> bundle,
                        const v1::RetrieveRequest& request, SteadyTime deadline,
                        v1::RetrieveResponse* response) const;

  // Answers every request from `bundle`; what is wrong with one is told in its
  // entry. INVALID_ARGUMENT when there are more than limits.max_batch.
  absl::Status BatchRetrieve(const std::shared_ptr<const ServingBundle>& bundle,
                             const v1::BatchRetrieveRequest& request,
                             SteadyTime deadline,
                             v1::BatchRetrieveResponse* response) const;

 private:
  const v1::ServerConfig config_;
  WorkerPool* const pool_;
  ServerMetrics* const metrics_;
  LiveRecall* const live_recall_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_PIPELINE_H_
