#ifndef TRIBUTARY_TESTS_TORTURE_CONTROL_PLANE_H_
#define TRIBUTARY_TESTS_TORTURE_CONTROL_PLANE_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "grpcpp/grpcpp.h"
#include "tributary/v1/bundles.grpc.pb.h"

namespace tributary {

// A client of a server that may have been killed. Calls to a dead server fail
// at once. Each ControlPlane has its own connection, so that after a restart a
// new one does not wait for the back-off of an older one. Not thread-safe.
class ControlPlane {
 public:
  // Connects to the server with this bundle directory.
  explicit ControlPlane(const std::filesystem::path& bundles);

  grpc::Status Stage(uint64_t version);
  grpc::Status Activate(uint64_t version);
  grpc::Status Rollback();
  grpc::Status SetLabel(const std::string& name, uint64_t version,
                        double share);
  // nullopt when the server cannot be reached.
  std::optional<v1::ServerStatus> GetStatus();

 private:
  std::unique_ptr<v1::Bundles::Stub> stub_;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_TORTURE_CONTROL_PLANE_H_
