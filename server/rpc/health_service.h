#ifndef TRIBUTARY_SERVER_RPC_HEALTH_SERVICE_H_
#define TRIBUTARY_SERVER_RPC_HEALTH_SERVICE_H_

#include <set>
#include <string>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "server/metrics/server_metrics.h"
#include "server/rpc/caller_check.h"
#include "sync/mutex.h"

namespace tributary {

// The standard grpc.health.v1.Health for the whole server ("") and the named
// services, which share one status; NOT_SERVING at first. gRPC's own
// implementation cannot end the streams of Watch, so every shutdown would wait
// for its whole deadline. Thread-safe.
class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  // `callers`, which may be null and outlives this, decides who may ask.
  explicit HealthService(std::vector<std::string> services,
                         const CallerCheck* callers = nullptr);
  ~HealthService() override;

  // Has calls counted. Only before the first call; `metrics` outlives this.
  void set_metrics(ServerMetrics* metrics) {
    check_metrics_ = &metrics->AddMethod("grpc.health.v1.Health", "Check");
    watch_metrics_ = &metrics->AddMethod("grpc.health.v1.Health", "Watch");
  }

  void SetServing(bool serving);
  // Sets NOT_SERVING for good, sends it to all watchers, and ends their
  // streams.
  void Shutdown();

  grpc::ServerUnaryReactor* Check(
      grpc::CallbackServerContext* context,
      const grpc::health::v1::HealthCheckRequest* request,
      grpc::health::v1::HealthCheckResponse* response) override;
  grpc::ServerWriteReactor<grpc::health::v1::HealthCheckResponse>* Watch(
      grpc::CallbackServerContext* context,
      const grpc::health::v1::HealthCheckRequest* request) override;

 private:
  class Watcher;

  bool Knows(const std::string& service) const;
  absl::Status Answer(const grpc::CallbackServerContext& context,
                      const grpc::health::v1::HealthCheckRequest& request,
                      grpc::health::v1::HealthCheckResponse* response)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Publish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::set<std::string> services_;
  const CallerCheck* const callers_;
  // Null: calls are not counted.
  MethodMetrics* check_metrics_ = nullptr;
  MethodMetrics* watch_metrics_ = nullptr;
  Mutex mutex_;
  bool serving_ ABSL_GUARDED_BY(mutex_) = false;
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
  // At most kMaxWatchers. A watcher deletes itself when its stream is done.
  std::set<Watcher*> watchers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_HEALTH_SERVICE_H_
