#include "tests/server/loader/fake_server.h"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

#include "fmt/core.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace tributary {

FakeServer::FakeServer(std::string socket_path)
    : socket_path_(std::move(socket_path)) {
  Start();
}

FakeServer::~FakeServer() { Stop(); }

void FakeServer::Stop() {
  if (!server_) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

void FakeServer::Start() {
  const std::lock_guard lock(mutex_);
  previous_ = 0;
  last_refused_ = 0;
  resident_.clear();
  if (active_ != 0) resident_.insert(active_);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address(), grpc::InsecureServerCredentials());
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  ASSERT_TRUE(server_);
}

void FakeServer::SetStageStatus(uint64_t version, const grpc::Status& status) {
  const std::lock_guard lock(mutex_);
  stage_statuses_[version] = status;
}

void FakeServer::RollBack() {
  const std::lock_guard lock(mutex_);
  std::swap(active_, previous_);
}

uint64_t FakeServer::active() const {
  const std::lock_guard lock(mutex_);
  return active_;
}

std::set<uint64_t> FakeServer::resident() const {
  const std::lock_guard lock(mutex_);
  return resident_;
}

std::vector<std::string> FakeServer::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

v1::LoaderStatus FakeServer::loader() const {
  const std::lock_guard lock(mutex_);
  return loader_;
}

grpc::Status FakeServer::Stage(grpc::ServerContext*,
                               const v1::StageRequest* request,
                               v1::BundleStatus*) {
  const std::lock_guard lock(mutex_);
  calls_.push_back(fmt::format("stage {}", request->version()));
  const grpc::Status status = stage_statuses_[request->version()];
  if (status.ok()) {
    resident_.insert(request->version());
  } else if (status.error_code() != grpc::StatusCode::UNAVAILABLE) {
    last_refused_ = request->version();
  }
  return status;
}

grpc::Status FakeServer::Activate(grpc::ServerContext*,
                                  const v1::ActivateRequest* request,
                                  v1::BundleStatus*) {
  const std::lock_guard lock(mutex_);
  calls_.push_back(fmt::format("activate {}", request->version()));
  if (!resident_.contains(request->version())) {
    return {grpc::StatusCode::FAILED_PRECONDITION, "not staged"};
  }
  // The real server keeps one version for Rollback, too.
  if (previous_ != request->version()) resident_.erase(previous_);
  previous_ = std::exchange(active_, request->version());
  return grpc::Status::OK;
}

grpc::Status FakeServer::Refuse(grpc::ServerContext*,
                                const v1::RefuseRequest* request,
                                v1::RefuseResponse*) {
  const std::lock_guard lock(mutex_);
  calls_.push_back(
      fmt::format("refuse {}: {}", request->version(), request->reason()));
  last_refused_ = request->version();
  return grpc::Status::OK;
}

grpc::Status FakeServer::Report(grpc::ServerContext*,
                                const v1::LoaderStatus* status,
                                v1::ReportResponse*) {
  const std::lock_guard lock(mutex_);
  loader_ = *status;
  return grpc::Status::OK;
}

grpc::Status FakeServer::GetStatus(grpc::ServerContext*,
                                   const v1::GetStatusRequest*,
                                   v1::ServerStatus* status) {
  const std::lock_guard lock(mutex_);
  status->set_active_version(active_);
  status->set_previous_version(previous_);
  status->mutable_last_refusal()->set_version(last_refused_);
  for (const uint64_t version : resident_) {
    v1::BundleStatus& bundle = *status->add_bundles();
    bundle.set_version(version);
    bundle.set_state(version == active_     ? v1::ACTIVE
                     : version == previous_ ? v1::PREVIOUS
                                            : v1::STAGED);
  }
  // A version that is only on disk, which the loader must ignore.
  v1::BundleStatus& on_disk = *status->add_bundles();
  on_disk.set_version(1'000'000);
  on_disk.set_state(v1::ON_DISK);
  return grpc::Status::OK;
}

}  // namespace tributary
