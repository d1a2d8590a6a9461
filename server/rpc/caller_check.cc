#include "server/rpc/caller_check.h"

#include "grpc/grpc_security_constants.h"
#include "grpcpp/security/auth_context.h"

namespace tributary {
namespace {

std::string_view AuthorizationOf(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  if (found == metadata.end()) return {};
  return {found->second.data(), found->second.size()};
}

}  // namespace

std::vector<std::string> CallerCheck::NamesIn(
    const grpc::ServerContextBase& context) const {
  std::vector<std::string> names;
  if (!listener_.certificates) return names;
  // gRPC has verified the certificate that these are from.
  const auto peer = context.auth_context();
  if (peer == nullptr) return names;
  for (const char* const property :
       {GRPC_PEER_URI_PROPERTY_NAME, GRPC_PEER_DNS_PROPERTY_NAME,
        GRPC_PEER_EMAIL_PROPERTY_NAME}) {
    for (const grpc::string_ref& name : peer->FindPropertyValues(property)) {
      names.emplace_back(name.data(), name.size());
    }
  }
  return names;
}

absl::StatusOr<SharedRights> CallerCheck::Allow(
    const grpc::ServerContextBase& context, AccessRole role,
    std::string_view method) const {
  if (access_ == nullptr) return SharedRights();
  const std::vector<std::string> names = NamesIn(context);
  return access_->Allow({.authorization = AuthorizationOf(context),
                         .certificate_names = names,
                         .unix_socket = listener_.unix_socket},
                        role, method);
}

absl::Status CallerCheck::AllowHealth(const grpc::ServerContextBase& context,
                                      std::string_view method) const {
  if (access_ == nullptr || access_->open_health()) return absl::OkStatus();
  return Allow(context, AccessRole::kObserve, method).status();
}

std::string CallerCheck::Describe(
    const grpc::ServerContextBase& context) const {
  return tributary::Describe({.authorization = {},
                              .certificate_names = NamesIn(context),
                              .unix_socket = listener_.unix_socket});
}

}  // namespace tributary
