#ifndef TRIBUTARY_SERVER_RPC_REQUEST_ID_H_
#define TRIBUTARY_SERVER_RPC_REQUEST_ID_H_

#include <string_view>

#include "grpcpp/server_context.h"

namespace tributary {

// The call's x-request-id; empty without one, or when it is longer than 128
// bytes. It views the context.
inline std::string_view RequestIdOf(const grpc::ServerContextBase& context) {
  constexpr size_t kMaxBytes = 128;
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("x-request-id");
  if (found == metadata.end() || found->second.size() > kMaxBytes) return {};
  return {found->second.data(), found->second.size()};
}

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_REQUEST_ID_H_
