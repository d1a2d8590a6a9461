#include "server/rpc/load_report_service.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "grpcpp/support/slice.h"
#include "server/rpc/status_to_grpc.h"
#include "status/field_error.h"
#include "status/status_macros.h"

namespace tributary {

using xds::service::orca::v3::OrcaLoadReportRequest;

namespace {

using ReportClock = std::chrono::steady_clock;

constexpr char kStreamCoreMetrics[] =
    "/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics";
constexpr size_t kMaxSubscribers = 1024;
constexpr auto kLongestInterval = std::chrono::hours(1);
// The meter's ticks are not exact.
constexpr auto kEarly = std::chrono::milliseconds(2);

std::chrono::nanoseconds IntervalOf(const OrcaLoadReportRequest& request) {
  if (!request.has_report_interval()) return std::chrono::nanoseconds(0);
  const int64_t seconds = request.report_interval().seconds();
  if (seconds >= std::chrono::seconds(kLongestInterval).count()) {
    return kLongestInterval;
  }
  if (seconds < 0) return std::chrono::nanoseconds(0);
  return std::chrono::seconds(seconds) +
         std::chrono::nanoseconds(request.report_interval().nanos());
}

}  // namespace

// One stream. Its state is guarded by the service's mutex; see
// HealthService::Watcher, whose rules it has.
class LoadReportService::Subscriber final
    : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  Subscriber(LoadReportService* service, std::chrono::nanoseconds interval)
      : service_(service), interval_(interval) {}

  void AssertHeld() const ABSL_ASSERT_EXCLUSIVE_LOCK(service_->mutex_) {}

  // Sends the report if it is time for one. A subscriber that has not taken the
  // last one gets none.
  void Tell(const ServerLoad& report, ReportClock::time_point now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(service_->mutex_) {
    if (now + kEarly < due_ || writing_ || finished_ || ending_) return;
    // Counted from when it was due, so that intervals do not grow by the ticks.
    due_ = std::max(due_ + interval_, now + interval_ / 2);
    const grpc::Slice slice(report.bytes);
    response_ = grpc::ByteBuffer(&slice, 1);
    writing_ = true;
    StartWrite(&response_);
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
      service_->subscribers_.erase(this);
      service_->metrics_.Handled(
          cancelled_ || !ending_
              ? absl::StatusCode::kCancelled
              : static_cast<absl::StatusCode>(end_status_.error_code()),
          ReportClock::now() - began_);
    }
    delete this;
  }

 private:
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(service_->mutex_) {
    if (finished_ || writing_ || (!cancelled_ && !ending_)) return;
    finished_ = true;
    Finish(cancelled_ ? grpc::Status::CANCELLED : end_status_);
  }

  LoadReportService* const service_;
  const std::chrono::nanoseconds interval_;
  const ReportClock::time_point began_ = ReportClock::now();
  // The first report is due at once.
  ReportClock::time_point due_ = ReportClock::now();
  grpc::ByteBuffer response_;
  grpc::Status end_status_;
  bool writing_ = false;
  bool ending_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
};

LoadReportService::LoadReportService(const v1::LoadReports& config,
                                     LoadMeter* meter, ServerMetrics* metrics,
                                     const CallerCheck* callers)
    : min_interval_(std::chrono::milliseconds(config.min_interval_ms())),
      meter_(meter),
      metrics_(metrics->AddMethod("xds.service.orca.v3.OpenRcaService",
                                  "StreamCoreMetrics")),
      callers_(callers) {
  meter_->Watch([this] { Tell(); });
}

LoadReportService::~LoadReportService() { meter_->Watch(nullptr); }

void LoadReportService::Tell() {
  const std::shared_ptr<const ServerLoad> report = meter_->Latest();
  const MutexLock lock(&mutex_);
  const ReportClock::time_point now = ReportClock::now();
  for (Subscriber* subscriber : subscribers_) {
    subscriber->AssertHeld();
    subscriber->Tell(*report, now);
  }
}

void LoadReportService::Shutdown() {
  const MutexLock lock(&mutex_);
  shut_down_ = true;
  for (Subscriber* subscriber : subscribers_) {
    subscriber->AssertHeld();
    subscriber->End(
        ToGrpcStatus(absl::UnavailableError("the server is shutting down")));
  }
}

grpc::ServerWriteReactor<grpc::ByteBuffer>*
LoadReportService::StreamCoreMetrics(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request) {
  OrcaLoadReportRequest message;
  const absl::Status asked = Read(*context, *request, &message);
  auto* const subscriber =
      new Subscriber(this, std::max(min_interval_, IntervalOf(message)));
  const std::shared_ptr<const ServerLoad> report = meter_->Latest();
  const MutexLock lock(&mutex_);
  subscriber->AssertHeld();
  if (!asked.ok()) {
    subscriber->End(ToGrpcStatus(asked));
  } else if (shut_down_) {
    subscriber->End(
        ToGrpcStatus(absl::UnavailableError("the server is shutting down")));
  } else if (subscribers_.size() >= kMaxSubscribers) {
    subscriber->End(ToGrpcStatus(absl::ResourceExhaustedError(fmt::format(
        "{} callers have subscribed to load reports, which is the limit",
        kMaxSubscribers))));
  } else {
    subscribers_.insert(subscriber);
    subscriber->Tell(*report, ReportClock::now());
  }
  return subscriber;
}

absl::Status LoadReportService::Read(const grpc::CallbackServerContext& context,
                                     const grpc::ByteBuffer& bytes,
                                     OrcaLoadReportRequest* request) const {
  if (callers_ != nullptr) {
    RETURN_IF_ERROR(
        callers_->Allow(context, AccessRole::kObserve, kStreamCoreMetrics)
            .status());
  }
  // A ByteBuffer's copies share its bytes.
  grpc::ByteBuffer copy = bytes;
  grpc::Slice slice;
  if (copy.DumpToSingleSlice(&slice).ok() &&
      request->ParseFromArray(slice.begin(), static_cast<int>(slice.size()))) {
    return absl::OkStatus();
  }
  return FieldError("request", "not an OrcaLoadReportRequest");
}

}  // namespace tributary
