// A fake of the control plane, which only keeps the books.
#ifndef TRIBUTARY_TESTS_SERVER_LOADER_FAKE_SERVER_H_
#define TRIBUTARY_TESTS_SERVER_LOADER_FAKE_SERVER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "grpcpp/server.h"
#include "tributary/v1/bundles.grpc.pb.h"

namespace tributary {

// Serves Bundles on a unix socket. Thread-safe.
class FakeServer : public v1::Bundles::Service {
 public:
  explicit FakeServer(std::string socket_path);
  ~FakeServer() override;

  // Ends and restarts the server. It remembers the active version, as the real
  // one does in CURRENT.
  void Stop();
  void Start();

  // Makes every later Stage of the version return this status.
  void SetStageStatus(uint64_t version, const grpc::Status& status);
  void RollBack();

  std::string address() const { return "unix:" + socket_path_; }
  uint64_t active() const;
  std::set<uint64_t> resident() const;
  // The calls so far, such as "stage 1" and "refuse 2: reason".
  std::vector<std::string> calls() const;
  // The loader's last report.
  v1::LoaderStatus loader() const;

 private:
  grpc::Status Stage(grpc::ServerContext*, const v1::StageRequest* request,
                     v1::BundleStatus*) override;
  grpc::Status Activate(grpc::ServerContext*,
                        const v1::ActivateRequest* request,
                        v1::BundleStatus*) override;
  grpc::Status Refuse(grpc::ServerContext*, const v1::RefuseRequest* request,
                      v1::RefuseResponse*) override;
  grpc::Status Report(grpc::ServerContext*, const v1::LoaderStatus* status,
                      v1::ReportResponse*) override;
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*,
                         v1::ServerStatus* status) override;

  const std::string socket_path_;
  std::unique_ptr<grpc::Server> server_;

  mutable std::mutex mutex_;
  uint64_t active_ = 0;
  uint64_t previous_ = 0;
  std::set<uint64_t> resident_;
  uint64_t last_refused_ = 0;
  std::map<uint64_t, grpc::Status> stage_statuses_;
  std::vector<std::string> calls_;
  v1::LoaderStatus loader_;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_LOADER_FAKE_SERVER_H_
