#ifndef TRIBUTARY_SERVER_SERVER_H_
#define TRIBUTARY_SERVER_SERVER_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/http/http_server.h"
#include "server/metrics/server_metrics.h"
#include "server/pipeline/live_recall.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/worker_pool.h"
#include "server/retrieval/retriever.h"
#include "server/rpc/bundles_service.h"
#include "server/rpc/grpc_server.h"
#include "server/rpc/health_service.h"
#include "server/rpc/retrieval_service.h"
#include "server/service/admission.h"
#include "server/service/retrieval_handler.h"
#include "server/versions/bundle_set.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// All of tributary-server but its flags and signals: the parts of server/,
// joined. Thread-safe.
class Server {
 public:
  // Takes the version that served last, then listens. A version that cannot be
  // restored is logged: the server then waits for the control plane, not
  // serving, as it does without any version. Errors: INVALID_ARGUMENT naming a
  // field of `config`; NOT_FOUND without the directory of versions; those of
  // GrpcServer and HttpServer.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      v1::ServerConfig config,
      RetrieverRegistry registry = RetrieverRegistry::BuiltIn());
  // Shuts down. Nothing of a request is alive afterwards.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // With the ports that were taken.
  const std::string& grpc_address() const { return grpc_->address(); }
  const std::string& http_address() const { return http_->address(); }
  const std::string& control_address() const { return control_->address(); }

  // Tells health that it does not serve, has callers go elsewhere, and returns
  // when the calls in progress are answered, or cut off after
  // execution.drain_ms. HTTP goes last, so that probes and scrapes see the
  // drain. Idempotent. The control plane goes with the destructor.
  void Shutdown();

  // Whether a version is being staged or restored, for which the destructor
  // waits. Nothing is lost by ending the process instead.
  bool IsOpening() const { return bundles_.IsOpening(); }

 private:
  Server(v1::ServerConfig config, RetrieverRegistry registry);

  absl::Status Listen();
  void Restore();
  void OnActivated(const ServingBundle& active, absl::Duration swap_duration);
  absl::Status Ready() const;

  const v1::ServerConfig config_;
  std::once_flag shutdown_once_;
  std::atomic<bool> shutting_down_{false};
  ServerMetrics metrics_;
  HealthService health_;
  // Destroyed from the last to the first: nobody holds a snapshot when the set
  // goes.
  BundleSet bundles_;
  LiveRecall live_recall_;
  WorkerPool pool_;
  Pipeline pipeline_;
  Admission admission_;
  RetrievalHandler handler_;
  RetrievalService retrieval_service_;
  BundleDiff diff_;
  BundlesService bundles_service_;
  std::unique_ptr<GrpcServer> grpc_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<GrpcServer> control_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVER_H_
