// The request path: plan, fan out, fuse, reply. This folder joins retrieval and
// fusion, which do not know each other. It knows the proto messages, but not
// gRPC.
#ifndef TRIBUTARY_SERVER_PIPELINE_PIPELINE_H_
#define TRIBUTARY_SERVER_PIPELINE_PIPELINE_H_

#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "server/metrics/server_metrics.h"
#include "server/pipeline/plan.h"
#include "server/pipeline/reply.h"
#include "server/pipeline/worker_pool.h"
#include "server/profiles/profiles.h"
#include "server/versions/bundle_routes.h"
#include "server/versions/serving_bundle.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

class LiveRecall;

// Answers requests from a bundle. Thread-safe; keeps no state between requests.
class Pipeline {
 public:
  // `config` is complete (see CompleteServerConfig). `metrics` and
  // `live_recall` may be null; they and `pool` outlive the pipeline.
  Pipeline(const v1::ServerConfig& config, WorkerPool* pool,
           ServerMetrics* metrics, LiveRecall* live_recall);

  // Gives the reply a form. The reply, and all it views, is valid until this
  // returns; an error becomes that of the call.
  using ReplyFunction = absl::FunctionRef<absl::Status(const Reply&)>;

  // Answers the request from `from.bundle`, and calls `write` once with the
  // reply. Errors: INVALID_ARGUMENT whose message begins with the path of a
  // field, e.g. "quotas[\"content\"].max: ..."; DEADLINE_EXCEEDED when the
  // deadline passed before any source answered; CANCELLED; ABORTED when the
  // list that a page token continues cannot be made again.
  //
  // Once a thread has answered a few requests, this allocates nothing, except
  // for sources that run on the pool, for a decay that states a time, and for
  // profiles and pages.
  absl::Status Retrieve(const RoutedBundle& from,
                        const v1::RetrieveRequest& request,
                        const RetrieveOptions& options,
                        ReplyFunction write) const;
  // Replaces *response, which may be on an arena, by the answer from `bundle`,
  // without a label. DATA_LOSS also when a key in the reply is not UTF-8.
  absl::Status Retrieve(std::shared_ptr<const ServingBundle> bundle,
                        const v1::RetrieveRequest& request,
                        const RetrieveOptions& options,
                        v1::RetrieveResponse* response) const;

 private:
  // Retrieve, without counting errors; *profile becomes the one that applied,
  // as soon as it is known.
  absl::Status Answer(const RoutedBundle& from,
                      const v1::RetrieveRequest& request,
                      const RetrieveOptions& options, ReplyFunction write,
                      std::string_view* profile) const;

  const Profiles profiles_;
  WorkerPool* const pool_;
  ServerMetrics* const metrics_;
  LiveRecall* const live_recall_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_PIPELINE_H_
