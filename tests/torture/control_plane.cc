#include "tests/torture/control_plane.h"

#include <chrono>

namespace tributary {
namespace {

struct Context : grpc::ClientContext {
  Context() {
    set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  }
};

}  // namespace

ControlPlane::ControlPlane(const std::filesystem::path& bundles) {
  grpc::ChannelArguments arguments;
  // Not the connection of an earlier ControlPlane, which may be backing off.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  stub_ = v1::Bundles::NewStub(
      grpc::CreateCustomChannel("unix:" + (bundles / "control.sock").string(),
                                grpc::InsecureChannelCredentials(), arguments));
}

grpc::Status ControlPlane::Stage(uint64_t version) {
  Context context;
  v1::StageRequest request;
  request.set_version(version);
  v1::BundleStatus status;
  return stub_->Stage(&context, request, &status);
}

grpc::Status ControlPlane::Activate(uint64_t version) {
  Context context;
  v1::ActivateRequest request;
  request.set_version(version);
  v1::BundleStatus status;
  return stub_->Activate(&context, request, &status);
}

grpc::Status ControlPlane::Rollback() {
  Context context;
  v1::BundleStatus status;
  return stub_->Rollback(&context, {}, &status);
}

grpc::Status ControlPlane::SetLabel(const std::string& name, uint64_t version,
                                    double share) {
  Context context;
  v1::SetLabelRequest request;
  request.set_name(name);
  request.set_version(version);
  request.set_share(share);
  v1::ServerStatus status;
  return stub_->SetLabel(&context, request, &status);
}

std::optional<v1::ServerStatus> ControlPlane::GetStatus() {
  Context context;
  v1::ServerStatus status;
  if (!stub_->GetStatus(&context, {}, &status).ok()) return std::nullopt;
  return status;
}

}  // namespace tributary
