#ifndef TRIBUTARY_SERVER_RPC_LOAD_REPORT_SERVICE_H_
#define TRIBUTARY_SERVER_RPC_LOAD_REPORT_SERVICE_H_

#include <chrono>
#include <set>

#include "grpcpp/support/byte_buffer.h"
#include "server/load_reports/load_meter.h"
#include "server/rpc/caller_check.h"
#include "sync/mutex.h"
#include "tributary/v1/config.pb.h"
#include "xds/service/orca/v3/orca.grpc.pb.h"

namespace tributary {

// xds.service.orca.v3.OpenRcaService: the load, for balancers that do not look
// at trailers. A subscriber gets a report at once, and then one in each
// interval that it asks for, but none more often than
// load_reports.min_interval_ms. It needs the role observe. Thread-safe.
class LoadReportService final
    : public xds::service::orca::v3::OpenRcaService::
          WithRawCallbackMethod_StreamCoreMetrics<
              xds::service::orca::v3::OpenRcaService::Service> {
 public:
  // `config` is complete. `meter` and `metrics` outlive this; so does
  // `callers`, which may be null and decides who may subscribe.
  LoadReportService(const v1::LoadReports& config, LoadMeter* meter,
                    ServerMetrics* metrics,
                    const CallerCheck* callers = nullptr);
  ~LoadReportService() override;

  // Ends all streams, and those that come later.
  void Shutdown() ABSL_LOCKS_EXCLUDED(mutex_);

  grpc::ServerWriteReactor<grpc::ByteBuffer>* StreamCoreMetrics(
      grpc::CallbackServerContext* context,
      const grpc::ByteBuffer* request) override;

 private:
  class Subscriber;

  // Whether the caller may subscribe, and then what it asks for.
  absl::Status Read(
      const grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes,
      xds::service::orca::v3::OrcaLoadReportRequest* request) const;
  // Tells those whose interval has passed.
  void Tell() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::chrono::nanoseconds min_interval_;
  LoadMeter* const meter_;
  MethodMetrics& metrics_;
  const CallerCheck* const callers_;
  Mutex mutex_;
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
  // At most kMaxSubscribers. A subscriber deletes itself when its stream is
  // done.
  std::set<Subscriber*> subscribers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_LOAD_REPORT_SERVICE_H_
