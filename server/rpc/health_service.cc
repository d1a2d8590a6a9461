#include "server/rpc/health_service.h"

#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "server/rpc/status_to_grpc.h"
#include "status/status_macros.h"

namespace tributary {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

namespace {

constexpr size_t kMaxWatchers = 1024;

std::set<std::string> WithWholeServer(std::vector<std::string> services) {
  services.emplace_back();
  return {services.begin(), services.end()};
}

HealthCheckResponse::ServingStatus StatusOf(bool serving) {
  return serving ? HealthCheckResponse::SERVING
                 : HealthCheckResponse::NOT_SERVING;
}

}  // namespace

// One stream of Watch. It sends the latest status, and may skip statuses that
// changed again before they were sent. Its state is guarded by the service's
// mutex. gRPC calls reactors on threads of its own, so starting an operation
// while holding the mutex cannot deadlock.
class HealthService::Watcher final
    : public grpc::ServerWriteReactor<HealthCheckResponse> {
 public:
  Watcher(HealthService* service, bool known)
      : service_(service), known_(known) {}

  // Tells the compiler what it cannot follow: a watcher in the service's set
  // has that service's mutex.
  void AssertHeld() const ABSL_ASSERT_EXCLUSIVE_LOCK(service_->mutex_) {}

  void Tell(bool serving) ABSL_EXCLUSIVE_LOCKS_REQUIRED(service_->mutex_) {
    next_ = known_ ? StatusOf(serving) : HealthCheckResponse::SERVICE_UNKNOWN;
    Advance();
  }
  void End(grpc::Status status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(service_->mutex_) {
    ending_ = true;
    end_status_ = std::move(status);
    Advance();
  }

  void OnWriteDone(bool ok) override {
    const MutexLock lock(&service_->mutex_);
    writing_ = false;
    if (!ok) cancelled_ = true;
    Advance();
  }
  void OnCancel() override {
    const MutexLock lock(&service_->mutex_);
    cancelled_ = true;
    Advance();
  }
  void OnDone() override {
    {
      const MutexLock lock(&service_->mutex_);
      service_->watchers_.erase(this);
      CountEnd();
    }
    delete this;
  }

 private:
  void CountEnd() ABSL_EXCLUSIVE_LOCKS_REQUIRED(service_->mutex_) {
    if (service_->watch_metrics_ == nullptr) return;
    const absl::StatusCode code =
        cancelled_ || !ending_
            ? absl::StatusCode::kCancelled
            : static_cast<absl::StatusCode>(end_status_.error_code());
    service_->watch_metrics_->Handled(
        code, std::chrono::steady_clock::now() - began_);
  }

  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(service_->mutex_) {
    if (finished_ || writing_) return;
    if (cancelled_) {
      finished_ = true;
      Finish(grpc::Status::CANCELLED);
    } else if (next_ != sent_) {
      sent_ = next_;
      response_.set_status(next_);
      writing_ = true;
      StartWrite(&response_);
    } else if (ending_) {
      finished_ = true;
      Finish(end_status_);
    }
  }

  HealthService* const service_;
  const std::chrono::steady_clock::time_point began_ =
      std::chrono::steady_clock::now();
  const bool known_;
  // UNKNOWN, which is never sent, stands for "nothing yet".
  HealthCheckResponse::ServingStatus next_ ABSL_GUARDED_BY(service_->mutex_) =
      HealthCheckResponse::UNKNOWN;
  HealthCheckResponse::ServingStatus sent_ ABSL_GUARDED_BY(service_->mutex_) =
      HealthCheckResponse::UNKNOWN;
  HealthCheckResponse response_ ABSL_GUARDED_BY(service_->mutex_);
  bool writing_ ABSL_GUARDED_BY(service_->mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(service_->mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(service_->mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(service_->mutex_) = false;
  grpc::Status end_status_ ABSL_GUARDED_BY(service_->mutex_);
};

HealthService::HealthService(std::vector<std::string> services,
                             const CallerCheck* callers)
    : services_(WithWholeServer(std::move(services))), callers_(callers) {}

HealthService::~HealthService() = default;

bool HealthService::Knows(const std::string& service) const {
  return services_.count(service) > 0;
}

void HealthService::SetServing(bool serving) {
  const MutexLock lock(&mutex_);
  serving_ = serving && !shut_down_;
  Publish();
}

void HealthService::Shutdown() {
  const MutexLock lock(&mutex_);
  serving_ = false;
  shut_down_ = true;
  Publish();
  for (Watcher* watcher : watchers_) {
    watcher->AssertHeld();
    watcher->End(
        ToGrpcStatus(absl::UnavailableError("the server is shutting down")));
  }
}

absl::Status HealthService::Answer(const grpc::CallbackServerContext& context,
                                   const HealthCheckRequest& request,
                                   HealthCheckResponse* response) {
  if (callers_ != nullptr) {
    RETURN_IF_ERROR(
        callers_->AllowHealth(context, "/grpc.health.v1.Health/Check"));
  }
  if (!Knows(request.service())) {
    return absl::NotFoundError(
        fmt::format("service \"{}\" does not exist", request.service()));
  }
  const MutexLock lock(&mutex_);
  response->set_status(StatusOf(serving_));
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* HealthService::Check(
    grpc::CallbackServerContext* context, const HealthCheckRequest* request,
    HealthCheckResponse* response) {
  const auto start = std::chrono::steady_clock::now();
  const absl::Status status = Answer(*context, *request, response);
  if (check_metrics_ != nullptr) {
    check_metrics_->Handled(status.code(),
                            std::chrono::steady_clock::now() - start);
  }
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

grpc::ServerWriteReactor<HealthCheckResponse>* HealthService::Watch(
    grpc::CallbackServerContext* context, const HealthCheckRequest* request) {
  const absl::Status allowed =
      callers_ == nullptr
          ? absl::OkStatus()
          : callers_->AllowHealth(*context, "/grpc.health.v1.Health/Watch");
  auto* const watcher = new Watcher(this, Knows(request->service()));
  const MutexLock lock(&mutex_);
  watcher->AssertHeld();
  if (!allowed.ok()) {
    watcher->End(ToGrpcStatus(allowed));
    return watcher;
  }
  if (watchers_.size() >= kMaxWatchers) {
    watcher->End(ToGrpcStatus(absl::ResourceExhaustedError(fmt::format(
        "{} streams are watching, which is the limit", kMaxWatchers))));
    return watcher;
  }
  watchers_.insert(watcher);
  watcher->Tell(serving_);
  if (shut_down_) {
    watcher->End(
        ToGrpcStatus(absl::UnavailableError("the server is shutting down")));
  }
  return watcher;
}

void HealthService::Publish() {
  for (Watcher* watcher : watchers_) {
    watcher->AssertHeld();
    watcher->Tell(serving_);
  }
}

}  // namespace tributary
