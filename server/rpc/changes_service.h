#ifndef TRIBUTARY_SERVER_RPC_CHANGES_SERVICE_H_
#define TRIBUTARY_SERVER_RPC_CHANGES_SERVICE_H_

#include <atomic>

#include "absl/status/status.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/sync_stream.h"
#include "server/change_writer/change_writer.h"
#include "server/metrics/server_metrics.h"
#include "server/rpc/change_signal.h"
#include "server/rpc/guarded_service.h"
#include "server/versions/bundle_set.h"
#include "tributary/v1/change_service.grpc.pb.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// tributary.v1.Changes, which change_service.proto describes. Apply needs the
// role operate, and the others observe. Thread-safe.
class ChangesService final : public GuardedService {
 public:
  // Those who watch hold a thread each, of those that the control plane has.
  static constexpr int kMaxWatchers = 4;

  // `settings` is complete. The pointers outlive this. `signal` is notified
  // whenever the status of `bundles` has changed.
  ChangesService(const v1::ChangeWriting& settings, const BundleSet* bundles,
                 ChangeSignal* signal, const ControlGuard& guard);

 private:
  absl::Status Apply(grpc::ServerContext* context,
                     const v1::ApplyChangesRequest& request,
                     v1::ApplyChangesResponse* response);
  absl::Status Watch(grpc::ServerContext* context,
                     grpc::ServerWriter<v1::ChangesStatus>* writer);
  void AddWatch();
  v1::ChangesStatus Status() const { return bundles_->GetStatus().changes(); }

  const v1::ChangeWriting settings_;
  const BundleSet* const bundles_;
  ChangeSignal* const signal_;
  MethodMetrics& apply_metrics_;
  MethodMetrics& watch_metrics_;
  MethodMetrics& get_status_metrics_;
  ChangeWriter writer_;
  std::atomic<int> watchers_{0};
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_CHANGES_SERVICE_H_
