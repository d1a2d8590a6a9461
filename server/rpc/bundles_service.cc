#include "server/rpc/bundles_service.h"

#include <chrono>
#include <string_view>
#include <thread>
#include <utility>

#include "server/rpc/status_to_grpc.h"
#include "server/service/measured_call.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr char kBundlesService[] = "tributary.v1.Bundles";

// How long a call that was cut may take to say so, and how often it is asked.
constexpr auto kCutGrace = std::chrono::milliseconds(50);
constexpr auto kCutPoll = std::chrono::milliseconds(5);

// Whether the stream ended because the client or the connection is gone, and
// not because all was sent: either ends the messages, and gRPC tells of the
// former a moment later.
bool WasCut(const grpc::ServerContext* context) {
  const auto end = std::chrono::steady_clock::now() + kCutGrace;
  while (!context->IsCancelled()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(kCutPoll);
  }
  return true;
}

// Moves the value to *response.
template <typename T>
absl::Status Answer(absl::StatusOr<T> result, T* response) {
  if (!result.ok()) return result.status();
  *response = *std::move(result);
  return absl::OkStatus();
}

// Logs a failure. The BundleSet logs successes.
absl::Status Logged(std::string_view method, absl::Status status) {
  if (!status.ok()) {
    spdlog::warn("event=control_failed method={} error={:?}", method,
                 status.ToString());
  }
  return status;
}

}  // namespace

BundlesService::BundlesService(BundleSet* bundles, BundleDiff* diff,
                               ServerMetrics* metrics)
    : bundles_(bundles),
      diff_(diff),
      list_metrics_(metrics->AddMethod(kBundlesService, "List")),
      stage_metrics_(metrics->AddMethod(kBundlesService, "Stage")),
      activate_metrics_(metrics->AddMethod(kBundlesService, "Activate")),
      rollback_metrics_(metrics->AddMethod(kBundlesService, "Rollback")),
      unload_metrics_(metrics->AddMethod(kBundlesService, "Unload")),
      set_label_metrics_(metrics->AddMethod(kBundlesService, "SetLabel")),
      diff_metrics_(metrics->AddMethod(kBundlesService, "Diff")),
      put_item_set_metrics_(metrics->AddMethod(kBundlesService, "PutItemSet")),
      delete_item_set_metrics_(
          metrics->AddMethod(kBundlesService, "DeleteItemSet")),
      refuse_metrics_(metrics->AddMethod(kBundlesService, "Refuse")),
      report_metrics_(metrics->AddMethod(kBundlesService, "Report")),
      get_status_metrics_(metrics->AddMethod(kBundlesService, "GetStatus")) {}

grpc::Status BundlesService::List(grpc::ServerContext*,
                                  const v1::ListBundlesRequest*,
                                  v1::ListBundlesResponse* response) {
  return ToGrpcStatus(MeasuredCall(
      list_metrics_, [&] { return Answer(bundles_->List(), response); }));
}

grpc::Status BundlesService::Stage(grpc::ServerContext*,
                                   const v1::StageRequest* request,
                                   v1::BundleStatus* response) {
  return ToGrpcStatus(MeasuredCall(stage_metrics_, [&] {
    return Logged("Stage",
                  Answer(bundles_->Stage(request->version()), response));
  }));
}

grpc::Status BundlesService::Activate(grpc::ServerContext*,
                                      const v1::ActivateRequest* request,
                                      v1::BundleStatus* response) {
  return ToGrpcStatus(MeasuredCall(activate_metrics_, [&] {
    return Logged("Activate",
                  Answer(bundles_->Activate(request->version()), response));
  }));
}

grpc::Status BundlesService::Rollback(grpc::ServerContext*,
                                      const v1::RollbackRequest*,
                                      v1::BundleStatus* response) {
  return ToGrpcStatus(MeasuredCall(rollback_metrics_, [&] {
    return Logged("Rollback", Answer(bundles_->Rollback(), response));
  }));
}

grpc::Status BundlesService::Unload(grpc::ServerContext*,
                                    const v1::UnloadRequest* request,
                                    v1::UnloadResponse*) {
  return ToGrpcStatus(MeasuredCall(unload_metrics_, [&] {
    return Logged("Unload", bundles_->Unload(request->version()));
  }));
}

grpc::Status BundlesService::SetLabel(grpc::ServerContext*,
                                      const v1::SetLabelRequest* request,
                                      v1::ServerStatus* response) {
  return ToGrpcStatus(MeasuredCall(set_label_metrics_, [&] {
    return Logged("SetLabel", Answer(bundles_->SetLabel(*request), response));
  }));
}

grpc::Status BundlesService::Diff(grpc::ServerContext* context,
                                  const v1::DiffRequest* request,
                                  v1::DiffResponse* response) {
  return ToGrpcStatus(MeasuredCall(diff_metrics_, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const auto from,
                     bundles_->Snapshot(request->from_version()));
    ASSIGN_OR_RETURN(const auto to, bundles_->Snapshot(request->to_version()));
    return Answer(
        diff_->Run(from, to, *request, [&] { return context->IsCancelled(); }),
        response);
  }));
}

grpc::Status BundlesService::PutItemSet(
    grpc::ServerContext* context,
    grpc::ServerReader<v1::PutItemSetRequest>* reader,
    v1::ItemSetStatus* response) {
  const auto put = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(ItemSets::Upload upload, bundles_->BeginItemSet());
    v1::PutItemSetRequest part;
    while (reader->Read(&part)) RETURN_IF_ERROR(upload.Add(part));
    if (WasCut(context)) {
      return absl::CancelledError("the stream was cut before its end");
    }
    return Answer(bundles_->CommitItemSet(std::move(upload)), response);
  };
  return ToGrpcStatus(MeasuredCall(
      put_item_set_metrics_, [&] { return Logged("PutItemSet", put()); }));
}

grpc::Status BundlesService::DeleteItemSet(
    grpc::ServerContext*, const v1::DeleteItemSetRequest* request,
    v1::DeleteItemSetResponse*) {
  return ToGrpcStatus(MeasuredCall(delete_item_set_metrics_, [&] {
    return Logged("DeleteItemSet", bundles_->DeleteItemSet(request->name()));
  }));
}

grpc::Status BundlesService::Refuse(grpc::ServerContext*,
                                    const v1::RefuseRequest* request,
                                    v1::RefuseResponse*) {
  return ToGrpcStatus(MeasuredCall(refuse_metrics_, [&] {
    bundles_->Refuse(request->version(), request->reason());
    return absl::OkStatus();
  }));
}

grpc::Status BundlesService::Report(grpc::ServerContext*,
                                    const v1::LoaderStatus* request,
                                    v1::ReportResponse*) {
  return ToGrpcStatus(MeasuredCall(report_metrics_, [&] {
    bundles_->Report(*request);
    return absl::OkStatus();
  }));
}

grpc::Status BundlesService::GetStatus(grpc::ServerContext*,
                                       const v1::GetStatusRequest*,
                                       v1::ServerStatus* response) {
  return ToGrpcStatus(MeasuredCall(get_status_metrics_, [&] {
    *response = bundles_->GetStatus();
    return absl::OkStatus();
  }));
}

}  // namespace tributary
