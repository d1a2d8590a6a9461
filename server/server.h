#ifndef TRIBUTARY_SERVER_SERVER_H_
#define TRIBUTARY_SERVER_SERVER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/file_lock.h"
#include "server/access/access_control.h"
#include "server/access/audit_log.h"
#include "server/console/console.h"
#include "server/explain/explain_calls.h"
#include "server/http/http_server.h"
#include "server/listen/bound_address.h"
#include "server/listen/connection_limits.h"
#include "server/load_reports/load_meter.h"
#include "server/metrics/server_metrics.h"
#include "server/pipeline/live_recall.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/worker_pool.h"
#include "server/recording/recorder.h"
#include "server/retrieval/retriever.h"
#include "server/rpc/bundles_service.h"
#include "server/rpc/caller_check.h"
#include "server/rpc/change_signal.h"
#include "server/rpc/changes_service.h"
#include "server/rpc/control_service.h"
#include "server/rpc/explanation_service.h"
#include "server/rpc/grpc_server.h"
#include "server/rpc/health_service.h"
#include "server/rpc/load_report_service.h"
#include "server/rpc/retrieval_service.h"
#include "server/rpc/self_check.h"
#include "server/service/call_trace.h"
#include "server/service/request_executor.h"
#include "server/service/retrieval_handler.h"
#include "server/tls/certificate_files.h"
#include "server/tls/self_certificate.h"
#include "server/tracing/span_exporter.h"
#include "server/versions/bundle_set.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// The whole of tributary-server except its flags and signals: builds the parts
// of server/ and connects them. Thread-safe.
class Server {
 public:
  // Takes its addresses, so that one that it cannot have is an error at once;
  // answers HTTP, whose /readyz says what it waits for; restores the version
  // that was active last (see BundleSet::Restore); then accepts calls. If no
  // version can be restored, or there is none, the server logs this and reports
  // that it is not serving until the control plane activates a version. Errors:
  // INVALID_ARGUMENT naming a field of `config`; NOT_FOUND without the
  // directory config.bundles; FAILED_PRECONDITION when another server writes
  // to it; those of BoundAddress::Bind.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      v1::ServerConfig config,
      RetrieverRegistry registry = RetrieverRegistry::BuiltIn());
  // Shuts down. No request state outlives this call.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The addresses it listens on, with the actual port where the configured one
  // is 0; "off" for a listener that there is not.
  const std::string& grpc_address() const { return grpc_->address(); }
  const std::string& http_address() const { return AddressOf(http_); }
  const std::string& admin_address() const { return AddressOf(admin_); }
  const std::string& control_address() const { return control_->address(); }

  // Reports NOT_SERVING to health checks and readiness, and answers as before
  // for execution.drain_delay_ms. Then sends GOAWAY to clients, accepts no more
  // HTTP connections, and waits for the calls in progress, at most for
  // execution.drain_ms. Returns false when some are not answered by then, or
  // gRPC clients do not disconnect. A process ends then, which closes their
  // connections. Idempotent.
  bool Drain();
  // Drain, and then cancels the calls that are left and closes the connections.
  // `admin` is shut down last, so that probes and scrapes see the drain. The
  // control plane is shut down by the destructor. Idempotent.
  //
  // gRPC 1.51 may hang or abort here while a client floods it with frames,
  // which is why tributary-server ends after a Drain that returned false.
  void Shutdown();

  // Whether a version is being staged or restored. The destructor waits for
  // that; ending the process instead loses nothing.
  bool IsOpening() const { return bundles_.IsOpening(); }

 private:
  // What is opened before there are listeners.
  struct Doors {
    // Null without grants.
    std::unique_ptr<AccessControl> access;
    std::unique_ptr<AuditLog> audit;
    // Null without tracing.otlp_endpoint.
    std::unique_ptr<SpanExporter> exporter;
  };

  static absl::StatusOr<Doors> OpenDoors(const v1::ServerConfig& config);
  // `needs_admin`: whether Start fails where `admin` cannot be listened on.
  Server(v1::ServerConfig config, Doors doors, bool needs_admin,
         RetrieverRegistry registry);

  static const std::string& AddressOf(const std::unique_ptr<HttpServer>& http);

  ControlGuard GuardOfControl() {
    return {.callers = &control_callers_,
            .audit = doors_.audit.get(),
            .metrics = &metrics_,
            .tracer = &tracer_,
            .listener = config_.control()};
  }
  void StartLoadReports();
  absl::Status OpenCertificates();
  // What the listener, such as "http", shows at this address; null where it is
  // not encrypted.
  const CertificateFiles* CertificatesFor(std::string_view listener,
                                          const std::string& address) const;
  absl::Status Bind();
  absl::Status StartAdmin();
  absl::Status StartHttp();
  absl::Status Listen();
  void Restore();
  void OnActivated(const ServingBundle& active, absl::Duration swap_duration);
  absl::Status Ready() const;

  // Constant after construction.
  const v1::ServerConfig config_;
  const bool needs_admin_;

  std::once_flag drain_once_;
  std::once_flag shutdown_once_;
  // Set by Drain.
  bool drained_ = false;
  std::chrono::steady_clock::time_point drain_end_;
  std::atomic<bool> shutting_down_{false};
  ServerMetrics metrics_;
  const Doors doors_;
  CallTracer tracer_;
  const CallerCheck listen_callers_;
  const CallerCheck control_callers_;
  // Null where nothing is encrypted. Every listener reads it.
  std::unique_ptr<CertificateFiles> certificates_;
  // With which the server calls itself; empty where nobody needs one.
  SelfCertificate self_certificate_;
  HealthService health_;
  // The BundleSet notifies it.
  ChangeSignal change_signal_;
  // Members are destroyed in reverse order: everything that may hold a snapshot
  // is declared after the BundleSet.
  BundleSet bundles_;
  LiveRecall live_recall_;
  WorkerPool pool_;
  Pipeline pipeline_;
  // Null where nothing is recorded. Constant after Start.
  std::unique_ptr<Recorder> recorder_;
  RetrievalHandler handler_;
  RequestExecutor executor_;
  RetrievalService retrieval_service_;
  ExplainCalls explain_calls_;
  ExplanationService explanation_service_;
  BundleDiff diff_;
  // Null where load reports are off; the service also where they are in
  // trailers only. Constant after construction.
  std::unique_ptr<LoadMeter> load_meter_;
  std::unique_ptr<LoadReportService> load_report_service_;
  BundlesService bundles_service_;
  ControlService control_service_;
  ChangesService changes_service_;
  // Null where it is off. http_ asks it.
  std::unique_ptr<Console> console_;
  // Held while two servers would write CURRENT and SERVING; nothing where this
  // one may not write. Constant after Start, as what follows.
  std::optional<FileLock> lock_;
  // Taken by Start, and given up when it has listeners.
  std::optional<BoundAddress> grpc_bound_;
  std::optional<BoundAddress> control_bound_;
  ConnectionLimits connection_limits_;
  // Null when Start failed. HTTP, which is up before, reads checking_.
  std::unique_ptr<SelfCheck> self_check_;
  std::atomic<const SelfCheck*> checking_{nullptr};
  // Null when Start failed; http_ and admin_ also where they are off, and
  // admin_ where another process has its port and needs_admin_ is false.
  std::unique_ptr<GrpcServer> grpc_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<HttpServer> admin_;
  std::unique_ptr<GrpcServer> control_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVER_H_
