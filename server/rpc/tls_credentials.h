#ifndef TRIBUTARY_SERVER_RPC_TLS_CREDENTIALS_H_
#define TRIBUTARY_SERVER_RPC_TLS_CREDENTIALS_H_

#include <memory>

#include "grpcpp/security/server_credentials.h"
#include "server/tls/certificate_files.h"

namespace tributary {

// Credentials with which a listener shows the certificates that `certificates`,
// which outlives the server, has at each handshake: TLS 1.2 and 1.3, and h2 by
// ALPN. Each handshake sees one whole set of files.
std::shared_ptr<grpc::ServerCredentials> MakeTlsServerCredentials(
    const CertificateFiles* certificates);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_TLS_CREDENTIALS_H_
