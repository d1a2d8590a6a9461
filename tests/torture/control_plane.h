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

// Calls to a server that may be dead: they fail at once, and a new one after a
// restart does not wait for what was tried before. Not thread-safe.
class ControlPlane {
 public:
  // Of the server whose bundle directory this is.
  explicit ControlPlane(const std::filesystem::path& bundles);

  grpc::Status Stage(uint64_t version);
  grpc::Status Activate(uint64_t version);
  grpc::Status Rollback();
  grpc::Status SetLabel(const std::string& name, uint64_t version,
                        double share);
  // Empty when the server cannot be reached.
  std::optional<v1::ServerStatus> GetStatus();

 private:
  std::unique_ptr<v1::Bundles::Stub> stub_;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_TORTURE_CONTROL_PLANE_H_
