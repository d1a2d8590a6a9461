#ifndef TRIBUTARY_SERVER_RPC_BUNDLES_SERVICE_H_
#define TRIBUTARY_SERVER_RPC_BUNDLES_SERVICE_H_

#include "server/metrics/server_metrics.h"
#include "server/pipeline/bundle_diff.h"
#include "server/versions/bundle_set.h"
#include "tributary/v1/bundles.grpc.pb.h"

namespace tributary {

// tributary.v1.Bundles, the control plane, over gRPC. Logs the calls that fail
// (event=control_failed). Thread-safe.
class BundlesService final : public v1::Bundles::Service {
 public:
  // The arguments outlive this.
  BundlesService(BundleSet* bundles, BundleDiff* diff, ServerMetrics* metrics);

  grpc::Status List(grpc::ServerContext* context,
                    const v1::ListBundlesRequest* request,
                    v1::ListBundlesResponse* response) override;
  grpc::Status Stage(grpc::ServerContext* context,
                     const v1::StageRequest* request,
                     v1::BundleStatus* response) override;
  grpc::Status Activate(grpc::ServerContext* context,
                        const v1::ActivateRequest* request,
                        v1::BundleStatus* response) override;
  grpc::Status Rollback(grpc::ServerContext* context,
                        const v1::RollbackRequest* request,
                        v1::BundleStatus* response) override;
  grpc::Status Unload(grpc::ServerContext* context,
                      const v1::UnloadRequest* request,
                      v1::UnloadResponse* response) override;
  grpc::Status SetLabel(grpc::ServerContext* context,
                        const v1::SetLabelRequest* request,
                        v1::ServerStatus* response) override;
  grpc::Status Diff(grpc::ServerContext* context,
                    const v1::DiffRequest* request,
                    v1::DiffResponse* response) override;
  grpc::Status PutItemSet(grpc::ServerContext* context,
                          grpc::ServerReader<v1::PutItemSetRequest>* reader,
                          v1::ItemSetStatus* response) override;
  grpc::Status DeleteItemSet(grpc::ServerContext* context,
                             const v1::DeleteItemSetRequest* request,
                             v1::DeleteItemSetResponse* response) override;
  grpc::Status Refuse(grpc::ServerContext* context,
                      const v1::RefuseRequest* request,
                      v1::RefuseResponse* response) override;
  grpc::Status Report(grpc::ServerContext* context,
                      const v1::LoaderStatus* request,
                      v1::ReportResponse* response) override;
  grpc::Status GetStatus(grpc::ServerContext* context,
                         const v1::GetStatusRequest* request,
                         v1::ServerStatus* response) override;

 private:
  BundleSet* const bundles_;
  BundleDiff* const diff_;
  MethodMetrics& list_metrics_;
  MethodMetrics& stage_metrics_;
  MethodMetrics& activate_metrics_;
  MethodMetrics& rollback_metrics_;
  MethodMetrics& unload_metrics_;
  MethodMetrics& set_label_metrics_;
  MethodMetrics& diff_metrics_;
  MethodMetrics& put_item_set_metrics_;
  MethodMetrics& delete_item_set_metrics_;
  MethodMetrics& refuse_metrics_;
  MethodMetrics& report_metrics_;
  MethodMetrics& get_status_metrics_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_BUNDLES_SERVICE_H_
