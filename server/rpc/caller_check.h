#ifndef TRIBUTARY_SERVER_RPC_CALLER_CHECK_H_
#define TRIBUTARY_SERVER_RPC_CALLER_CHECK_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "server/access/access_control.h"

namespace tributary {

// Who makes the calls of one gRPC listener, and whether they may. Immutable,
// and thread-safe.
class CallerCheck {
 public:
  struct Listener {
    // Whether it is a unix socket.
    bool unix_socket = false;
    // Whether clients may show certificates.
    bool certificates = false;
  };

  // Without `access`, which outlives this, everybody may call everything.
  CallerCheck(AccessControl* access, Listener listener)
      : access_(access), listener_(listener) {}

  bool decides() const { return access_ != nullptr; }

  // The rights of a call that may be made; null without an AccessControl.
  // Errors are those of AccessControl::Allow. Reads nothing but the call's
  // metadata.
  absl::StatusOr<SharedRights> Allow(const grpc::ServerContextBase& context,
                                     AccessRole role,
                                     std::string_view method) const;
  // The same for health.
  absl::Status AllowHealth(const grpc::ServerContextBase& context,
                           std::string_view method) const;

  // Who calls, for a record of a call that is not decided on.
  std::string Describe(const grpc::ServerContextBase& context) const;

 private:
  std::vector<std::string> NamesIn(
      const grpc::ServerContextBase& context) const;

  AccessControl* const access_;
  const Listener listener_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_CALLER_CHECK_H_
